//! Changes of members, through the HTTP API of a running node: the authority's, for all but a department's own move.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::error::CliError;
use crate::cli::keys::Who;
use crate::domain::node::check_address;
use crate::ids::DepartmentId;

use super::card;

#[derive(Args)]
pub struct Admit {
    #[command(flatten)]
    who: Who,
    /// The card of the node that joins. Make sure that it is really from that department
    card: PathBuf,
}

/// Where a node is reached by the others.
#[derive(Args)]
struct Place {
    /// `host:port` of its consensus
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    raft: String,
    /// `host:port` of its exchange
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    peer: String,
}

#[derive(Args)]
pub struct Move {
    #[command(flatten)]
    who: Who,
    /// Whose node
    #[arg(long)]
    department: DepartmentId,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub struct Replace {
    #[command(flatten)]
    who: Who,
    /// Whose node
    #[arg(long)]
    department: DepartmentId,
    #[command(flatten)]
    place: Place,
    /// The new node's number; the next one that nobody had when left out
    #[arg(long, value_name = "N")]
    node_id: Option<u64>,
}

#[derive(Args)]
pub struct Remove {
    #[command(flatten)]
    who: Who,
    /// Whose node
    #[arg(long)]
    department: DepartmentId,
}

#[derive(Args)]
pub struct Voters {
    #[command(flatten)]
    who: Who,
    /// All departments whose nodes shall vote
    #[arg(value_name = "A,B,C", value_delimiter = ',', required = true)]
    departments: Vec<DepartmentId>,
}

fn address(text: &str) -> Result<String, String> {
    check_address(text).map(|()| text.to_owned()).map_err(|why| format!("`{text}` {why}"))
}

impl Admit {
    pub(super) fn run(self) -> Result<(), CliError> {
        let card = card::read(&self.card)?;
        let session = self.who.open()?;
        let known = session.get("/departments")?;
        let items = known.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let Some(known) = items.iter().find(|item| item.get("id") == Some(&json!(card.id))) {
            if known.get("signing_key") != Some(&json!(card.signing_key)) {
                let why = "is on the ledger with another key than the card's: is the card an old one?";
                return Err(CliError::failed(format_args!("{} {why}", card.id)));
            }
        } else {
            session.post("/departments", &card::department(&card))?;
            println!("{} is on the ledger", card.id);
        }
        tell(&session.post(&format!("/departments/{}/node", card.id), &card::node(&card))?);
        println!("now, on its machine: mulu node join --config <folder>/node.toml");
        Ok(())
    }
}

impl Move {
    pub(super) fn run(self) -> Result<(), CliError> {
        let path = format!("/departments/{}/node", self.department);
        let body = json!({ "raft": self.place.raft, "peer": self.place.peer });
        tell(&self.who.open()?.post(&path, &body)?);
        Ok(())
    }
}

impl Replace {
    pub(super) fn run(self) -> Result<(), CliError> {
        let path = format!("/departments/{}/node", self.department);
        let mut body = Map::new();
        body.insert("replace".into(), json!(true));
        body.insert("raft".into(), json!(self.place.raft));
        body.insert("peer".into(), json!(self.place.peer));
        if let Some(node_id) = self.node_id {
            body.insert("node_id".into(), json!(node_id));
        }
        let said = self.who.open()?.post(&path, &Value::Object(body))?;
        tell(&said);
        if let Some(node_id) = said.get("node_id") {
            println!("write into the new node's node.toml, in its own [[nodes]]: node_id = {node_id}");
            println!("then, on its machine: mulu node join --config <folder>/node.toml");
        }
        Ok(())
    }
}

impl Remove {
    pub(super) fn run(self) -> Result<(), CliError> {
        let path = format!("/departments/{}/node/remove", self.department);
        tell(&self.who.open()?.post(&path, &json!({}))?);
        Ok(())
    }
}

impl Voters {
    pub(super) fn run(self) -> Result<(), CliError> {
        let body = json!({ "departments": self.departments });
        tell(&self.who.open()?.post("/cluster/voters", &body)?);
        Ok(())
    }
}

/// What became of a change.
fn tell(change: &Value) {
    let text = |key| change.get(key).map(Value::to_string).unwrap_or_default();
    let (id, index) = (text("transaction_id").replace('"', ""), text("ledger_index"));
    match change.get("waits_for").and_then(|awaited| awaited.get("text")).and_then(Value::as_str) {
        None => println!("done: transaction {id} at index {index}"),
        Some(awaited) => println!("on the ledger: transaction {id} at index {index}; the change waits for {awaited}"),
    }
}
