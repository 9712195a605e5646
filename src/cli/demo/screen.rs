//! What a person reads when the demo is ready, in both languages.

use std::path::Path;

use crate::domain::department_files::city::Examples;
use crate::service::departments::City;

use super::manifest::{AccountEntry, Manifest, NodeEntry};

/// Prints the portals, the accounts, and what to try first.
pub fn show(manifest: &Manifest, folders: &City, file: &Path) {
    println!("\n目录链示范市已就绪 · the model city is ready     chain {}\n", manifest.chain);
    for node in &manifest.nodes {
        let name = folders.department(&node.department).map(|folder| &folder.file.name);
        let en = name.map(|name| name.en.as_str()).unwrap_or_default();
        let voter = if node.raft == "voter" { "投票 voter" } else { "学习 learner" };
        println!("{}  {} ({en}) · {voter}", node.url, node.name_zh);
        let accounts: Vec<String> = node.accounts.iter().map(account).collect();
        println!("    {}", accounts.join("  "));
    }
    println!("\n账号/口令 accounts as user/password; all of them and the systems' tokens: {}", file.display());
    if let Some(examples) = &folders.examples {
        tries(manifest, examples);
    }
    println!("\nCtrl-C 停止 stops the city. 再次运行 --dir 同一目录可继续 · the same --dir again continues it.");
}

fn account(account: &AccountEntry) -> String {
    format!("{}/{}", account.user, account.password)
}

fn tries(manifest: &Manifest, examples: &Examples) {
    let node = |id: &str| manifest.nodes.iter().find(|node| node.department.as_str() == id);
    println!("\n试一试 · try:");
    if let (Some(city), Some(_)) = (node("civil-affairs").or_else(|| node("planning-resources")), node("transport")) {
        println!("  # 无条件共享 · unconditional: a parking bay's state");
        println!("{}", query(city, "transport/parking-bay-status", "parking-guidance", "bay_id", &examples.bay_id));
    }
    if let (Some(registry), Some(_)) = (node("planning-resources"), node("public-security")) {
        println!("  # 已授权 · granted: the seller's household, for the registration of real estate");
        let entry = "public-security/household-registration";
        println!("{}", query(registry, entry, "real-estate-transfer", "id_number", &examples.seller_id_number));
    }
    if let (Some(civil), Some(_)) = (node("civil-affairs"), node("public-security")) {
        println!("  # 未授权 · refused, with reasons: the same without a grant");
        let entry = "public-security/household-registration";
        println!("{}", query(civil, entry, "marriage-registration", "id_number", &examples.seller_id_number));
    }
    if let (Some(police), Some(_), Some(licence)) =
        (node("public-security"), node("housing"), examples.licences.first())
    {
        println!("  # 电子证照 · another department's e-licences, looked up by their holder");
        let (entry, holder) = ("housing/rental-filing-certificate", &licence.holder_code);
        println!("{}", query(police, entry, "household-transfer", "id_number", holder));
    }
    if let (Some(registry), false) = (node("planning-resources"), examples.cases.is_empty()) {
        println!("  # 联办 · a case of several departments: sign in at {} as clerk1 and start one;", registry.url);
        println!("  # 填什么 · what to fill in, for this and the other workflows, stands in departments/examples.toml");
    }
    if let Some(audit) = node("audit") {
        println!("  # 审计员 · the auditor sees all of it: sign in at {} as auditor1", audit.url);
        println!("  # 离线核验 · verify the whole ledger offline:");
        println!("  mulu ledger verify --dir {}", audit.data_dir.display());
    }
}

fn query(node: &NodeEntry, entry: &str, purpose: &str, param: &str, value: &str) -> String {
    format!(
        "  curl -s {url}/api/v1/query/{entry} -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\\n    \
         -d '{{\"purpose\":\"{purpose}\",\"cause\":\"try the demo\",\"params\":{{\"{param}\":\"{value}\"}}}}'",
        url = node.url,
        token = node.system_token,
    )
}
