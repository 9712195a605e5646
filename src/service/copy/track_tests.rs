//! What a lending node may say, and what of it is believed.

use super::*;
use crate::clock::Millis;
use crate::crypto::digest::{HashAlgorithm, sm3};
use crate::crypto::sign::SigningKey;
use crate::domain::command::{Command, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::digest_record::DigestRecord;
use crate::domain::keys::{KeyRotation, KeyTerms, NewSigningKey};
use crate::domain::policy::PolicyDocument;
use crate::domain::{Actor, Role, Text};
use crate::ids::TxId;
use crate::ledger::block::Block;
use crate::ledger::chain::chain_id;
use crate::ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::frontier::Frontier;
use crate::ledger::transaction::Transaction;
use crate::state::State;

const NOW: Millis = Millis(1_795_000_000_000);
const BOTH: [(&str, u8); 2] = [("audit", 2), ("data-bureau", 1)];

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn payload(department: &str, command: Command) -> String {
    let actor = Actor { user: "a".into(), role: Role::Admin };
    Payload { id: TxId::new(NOW), department: department.parse().unwrap(), actor, command }.encode().unwrap()
}

/// A ledger as somebody tells it.
struct Told {
    chain: String,
    records: Vec<Record>,
    state: State,
    frontier: Frontier,
}

impl Told {
    /// With the genesis that everybody has.
    fn begun() -> Self {
        let department = |(id, n): (&str, u8)| Department {
            id: id.parse().unwrap(),
            name: Text { zh: "局".into(), en: "Bureau".into() },
            uscc: "11110000000021135M".into(),
            signing_key: key(n).public(),
            signing_key_valid_until: None,
            sealing_key: String::new(),
            voter: true,
            node_id: n.into(),
        };
        let text = payload(
            "data-bureau",
            Command::Genesis(Genesis {
                city: Text::default(),
                hash: HashAlgorithm::Sm3,
                authority: "data-bureau".parse().unwrap(),
                auditor: "audit".parse().unwrap(),
                cosignatures_min: None,
                endorsements_min: None,
                edition: Some(2),
                departments: BOTH.into_iter().rev().map(department).collect(),
                policy: PolicyDocument { version: 1, model: "m".into(), rules: "r".into() },
            }),
        );
        let chain = chain_id(&text);
        let genesis = Transaction::sign(&chain, text.as_bytes(), &key(1)).unwrap();
        let mut told =
            Self { chain, records: Vec::new(), state: State::new(), frontier: Frontier::new(HashAlgorithm::Sm3) };
        told.block(vec![genesis], true);
        told
    }

    fn sign(&self, department: &str, n: u8, command: Command) -> Transaction {
        Transaction::sign(&self.chain, payload(department, command).as_bytes(), &key(n)).unwrap()
    }

    fn paper(&self, label: &str) -> Transaction {
        let record = DigestRecord { digest: sm3(&[label.as_bytes()]), label: label.to_owned(), kind: None };
        self.sign("audit", 2, Command::RecordDigest(record))
    }

    /// Adds a block, whose signatures the teller takes for good or for bad.
    fn block(&mut self, transactions: Vec<Transaction>, fits: bool) {
        let index = self.records.len() as u64 + 1;
        let block = Block { height: index - 1, time: NOW.plus(index), transactions };
        for tx in &block.transactions {
            let outcome = self.state.apply(tx, block.time, fits);
            assert_eq!(outcome.result.is_ok(), fits, "{outcome:?}");
            self.frontier.push(tx.leaf(HashAlgorithm::Sm3), |_, _| {});
        }
        self.records.push(Record { index, term: 1, kind: 0, data: block.encode() });
    }

    fn note(&self, signers: &[(&str, u8)]) -> SignedCheckpoint {
        let (size, root) = (self.frontier.size(), self.frontier.root());
        let checkpoint = Checkpoint::new(&self.chain, HashAlgorithm::Sm3, size, root, self.state.digest());
        let mut note = checkpoint.unsigned().unwrap();
        signers.iter().for_each(|(department, n)| note.cosign(&department.parse().unwrap(), &key(*n), 100));
        note
    }

    /// What a node makes of it that fetches it all.
    fn heard(&self, care: Care) -> (tempfile::TempDir, LedgerLog, Track) {
        let dir = tempfile::tempdir().unwrap();
        let log = LedgerLog::open(dir.path()).unwrap();
        let mut track = Track::new(dir.path(), care);
        track.take(&log, &self.records, u64::MAX).unwrap();
        (dir, log, track)
    }

    fn is_believed(&self, care: Care, note: &SignedCheckpoint) -> bool {
        self.heard(care).2.witness.proven_by(note).is_ok()
    }
}

/// As whoever does not have the key would sign it.
fn forged(tx: &Transaction) -> Transaction {
    let mut bytes = tx.as_bytes().to_vec();
    let at = bytes.windows(tx.signature().len()).position(|part| part == tx.signature()).unwrap();
    bytes[at] ^= 1;
    Transaction::decode(&bytes).unwrap()
}

#[test]
fn what_enough_departments_cosigned_is_believed_and_nothing_else() {
    let mut told = Told::begun();
    let papers = ["one", "two", "three"].map(|label| told.paper(label));
    papers.iter().for_each(|paper| told.block(vec![paper.clone()], true));
    let note = told.note(&BOTH);
    let (_dir, log, track) = told.heard(Care::Weighty);
    let who: Vec<String> = track.witness.proven_by(&note).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(who, ["audit", "data-bureau"]);
    let followed = track.end().unwrap();
    assert_eq!((followed.tree.root(), followed.all_valid), (told.frontier.root(), true));
    assert_eq!(followed.state.digest(), told.state.digest());
    // What an interrupted copy left is followed again, its tree with it.
    let again = Track::of(&log, Care::All).unwrap();
    assert!(again.witness.proven_by(&note).is_ok());
    assert_eq!(again.end().unwrap().tree.root(), told.frontier.root());
    assert!(!told.is_believed(Care::Weighty, &told.note(&BOTH[..1])), "one of two is not enough");
    // Left out, in another order, or at another time.
    let mut lies = [Told::begun(), Told::begun(), Told::begun()];
    lies.iter_mut().for_each(|lie| lie.records[0] = told.records[0].clone());
    let blocks = |lie: &mut Told, order: &[usize], late: u64| {
        for (height, which) in (1..).zip(order) {
            let (transactions, time) = (vec![papers[*which].clone()], NOW.plus(1 + height + late));
            let data = Block { height, time, transactions }.encode();
            lie.records.push(Record { index: height + 1, term: 1, kind: 0, data });
        }
    };
    let [one, two, three] = &mut lies;
    blocks(one, &[0, 2], 0);
    blocks(two, &[0, 2, 1], 0);
    blocks(three, &[0, 1, 2], 1);
    for (at, lie) in lies.iter().enumerate() {
        for care in [Care::Weighty, Care::All] {
            assert!(!lie.is_believed(care, &note), "lie {at}");
        }
    }
}

#[test]
fn a_liar_cannot_put_its_own_keys_in_the_departments_place() {
    let mut told = Told::begun();
    for (department, n) in BOTH {
        let id = department.parse().unwrap();
        let terms = KeyTerms { chain: &told.chain, department: &id, valid_until: None, sealing_key: None };
        let signing = Some(NewSigningKey::present(&key(n + 10), &terms));
        let rotation = Command::RotateKey(KeyRotation { signing, sealing_key: None });
        // The liar's own state takes it for good.
        let rotation = forged(&told.sign(department, n, rotation));
        told.block(vec![rotation], true);
    }
    let invented = told.paper("invented");
    told.block(vec![invented], true);
    let note = told.note(&BOTH.map(|(department, n)| (department, n + 10)));
    assert_eq!(note.cosigners(&told.state.cosigner_keys()).unwrap().len(), 2, "the lie is whole in itself");
    for care in [Care::Weighty, Care::All] {
        assert!(!told.is_believed(care, &note));
    }
}

#[test]
fn a_bad_signature_that_all_refused_takes_a_second_look_and_is_not_noted_as_checked() {
    let mut told = Told::begun();
    let (good, bad) = (told.paper("good"), forged(&told.paper("bad")));
    told.block(vec![good], true);
    told.block(vec![bad], false);
    let note = told.note(&BOTH);
    assert!(!told.is_believed(Care::Weighty, &note));
    let (_dir, _log, track) = told.heard(Care::All);
    assert!(track.witness.proven_by(&note).is_ok());
    assert!(!track.end().unwrap().all_valid);
}
