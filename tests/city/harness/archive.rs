//! A department's archive: a system that signs digests of documents itself and hands them in, many at once.

use mulu::crypto::digest::sm3;
use mulu::crypto::keyring::Keyring;
use mulu::crypto::sign::SigningKey;
use mulu::domain::command::{Command, Payload};
use mulu::domain::digest_record::DigestRecord;
use mulu::domain::{Actor, Role};
use mulu::ids::TxId;
use mulu::ledger::transaction::Transaction;
use mulu::service::config::NodeConfig;
use reqwest::Method;

use super::answer::Answer;
use super::caller::Caller;
use super::city::City;
use super::command::mulu;
use super::now;

/// The archive of one department.
#[derive(Clone)]
pub struct Archive {
    department: String,
    chain: String,
    key: SigningKey,
    caller: Caller,
}

/// A transaction that the archive signed.
#[derive(Clone)]
pub struct Paper {
    /// The transaction's id.
    pub id: String,
    /// The digest that it records.
    pub digest: String,
    bytes: Vec<u8>,
}

impl Archive {
    /// The archive of a department of the city; gets a token of its own.
    pub fn of(city: &City, department: &str) -> Self {
        let config = city.config(department);
        let add = ["token", "add", "--config", config.to_str().unwrap(), "--system", "archive", "--submits"];
        let token = mulu(&add).ok();
        let config = NodeConfig::load(&config).unwrap();
        let key = Keyring::load(&config.keys_dir, config.keys.secret().unwrap().as_ref()).unwrap().signing;
        let caller = Caller::bearer(&city.node(department).url, token.trim());
        Self { department: department.to_owned(), chain: city.chain().to_owned(), key, caller }
    }

    /// Whose it is.
    pub fn department(&self) -> &str {
        &self.department
    }

    /// Signs the record of a document's digest.
    pub fn sign(&self, document: &str, label: &str) -> Paper {
        let digest = sm3(&[document.as_bytes()]);
        let record = DigestRecord { digest, label: label.to_owned(), kind: None };
        let id = TxId::new(now());
        let payload = Payload {
            id,
            department: self.department.parse().unwrap(),
            actor: Actor { user: "archive".into(), role: Role::System },
            command: Command::RecordDigest(record),
        };
        let tx = Transaction::sign(&self.chain, payload.encode().unwrap().as_bytes(), &self.key).unwrap();
        Paper { id: id.to_string(), digest: digest.to_string(), bytes: tx.as_bytes().to_vec() }
    }

    /// Hands papers in, all in one call, if the node answers.
    pub fn hand_in(&self, papers: &[Paper]) -> Option<Answer> {
        let length = |paper: &Paper| u32::try_from(paper.bytes.len()).unwrap().to_be_bytes();
        let body: Vec<u8> = papers.iter().flat_map(|paper| [&length(paper)[..], &paper.bytes].concat()).collect();
        let fill =
            |request: reqwest::RequestBuilder| request.header("content-type", "application/octet-stream").body(body);
        self.caller.try_send(Method::POST, "ledger/transactions", fill).ok()
    }
}
