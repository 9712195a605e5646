//! `mulu node list`: every node, what it is and shall be, and how far it has come.

use clap::Args;
use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::keys::Who;

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    who: Who,
    /// Print what the node answered, as JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self) -> Result<(), CliError> {
        let cluster = self.who.open()?.get("/cluster")?;
        if self.json {
            println!("{cluster:#}");
            return Ok(());
        }
        let line = |fields: [&str; 7]| {
            let [department, number, role, wanted, lag, raft, peer] = fields;
            println!("{department:<24}{number:>6}  {role:<12}{wanted:<9}{lag:>9}  {raft:<24}{peer}");
        };
        line(["department", "node", "is", "shall be", "behind", "consensus", "exchange"]);
        for node in cluster.get("nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
            let text = |key| match node.get(key) {
                None | Some(Value::Null) => "-".to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            let is_there = node.get("reachable") == Some(&Value::Bool(true));
            let role = if is_there { text("role") } else { format!("{} (away)", text("role")) };
            let (lag, raft, peer) = (text("lag"), text("raft"), text("peer"));
            line([&text("department"), &text("node_id"), &role, &text("wanted"), &lag, &raft, &peer]);
        }
        if let Some(awaited) = cluster.get("waits_for").and_then(|awaited| awaited.get("text")).and_then(Value::as_str)
        {
            println!("a change of members is under way and waits for {awaited}");
        }
        Ok(())
    }
}
