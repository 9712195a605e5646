//! Fuzz target of what peers send: no frame panics a node or makes it greedy, and none says two things.

use raft::eraftpb::{Entry, EntryType, Message, MessageType};

use crate::crypto::digest::{Hash, HashAlgorithm, sm3};
use crate::crypto::sign::SigningKey;
use crate::fuzzing::fuzz;
use crate::ledger::block::BLOCK_BYTES_MAX;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::transaction::Transaction;

use super::frame::{Frame, RefusedWhy};
use super::status::NodeReport;

fn append() -> Message {
    let mut message = Message::default();
    message.set_msg_type(MessageType::MsgAppend);
    (message.from, message.to, message.term, message.commit) = (1, 2, 7, 1 << 40);
    let mut entry = Entry::default();
    (entry.index, entry.term, entry.data) = (9, 7, vec![1; 60].into());
    let mut change = entry.clone();
    change.set_entry_type(EntryType::EntryConfChangeV2);
    // Node 9 is added.
    change.data = vec![0x12, 4, 8, 0, 16, 9].into();
    message.set_entries(vec![entry, change].into());
    message
}

fn frames() -> Vec<Frame> {
    let key = SigningKey::from_seed(&[1; 32]);
    let report = r#"{"node_id":3,"term":1,"commit":2,"applied":2,"size":5,"projected":4,"version":"0.1.0","age_ms":0}"#;
    let checkpoint = Checkpoint::new("mulu-00", HashAlgorithm::Sm3, 9, Hash([1; 32]), Hash([2; 32]));
    let note = checkpoint.cosign(&"tax".parse().unwrap(), &key, 7).unwrap();
    vec![
        Frame::Hello { chain: "mulu-00".into() },
        Frame::Raft(append()),
        Frame::Forward(Transaction::sign("city", b"{}", &key).unwrap()),
        Frame::Refused { leaf: sm3(&[b"leaf"]), why: RefusedWhy::Busy },
        Frame::Refused { leaf: sm3(&[b"leaf"]), why: RefusedWhy::Invalid("文字".into()) },
        Frame::Report(serde_json::from_str::<NodeReport>(report).unwrap()),
        Frame::Cosignature(note.clone()),
        Frame::Anchored(note),
    ]
}

#[test]
fn a_frame() {
    let valid = frames().iter().map(|frame| frame.encode().unwrap()[4..].to_vec()).collect();
    fuzz!(10_000, valid, |bytes: &[u8]| {
        let Ok(frame) = Frame::decode(bytes) else { return false };
        let again = frame.encode().unwrap();
        assert_eq!(Frame::decode(&again[4..]), Ok(frame.clone()));
        if let Frame::Raft(message) = frame {
            assert!(message.get_entries().iter().all(|entry| entry.data.len() <= BLOCK_BYTES_MAX));
            assert!(!message.has_snapshot());
        }
        true
    });
}
