//! What nodes send one another: length (4, big endian; of what follows), kind (1), body.

use protobuf::Message as _;
use raft::eraftpb::{EntryType, Message, MessageType};

use crate::crypto::digest::Hash;
use crate::ledger::block::BLOCK_BYTES_MAX;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::transaction::Transaction;

use super::status::NodeReport;

/// The longest frame, in bytes without its length: anything longer ends the connection unread.
pub(super) const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Entries of one message together; with their framing they stay below the longest frame.
pub(super) const MESSAGE_ENTRIES_BYTES: u64 = 512 * 1024;
const REASON_CHARS_MAX: usize = 500;
const PROTOCOL: u8 = 1;

/// Why a forwarded transaction is not proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefusedWhy {
    Busy,
    Invalid(String),
}

/// One thing that a node sends to another.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Frame {
    /// Comes first: which chain the sender speaks of.
    Hello { chain: String },
    /// A message of the raft library.
    Raft(Message),
    /// A transaction for the leader to propose.
    Forward(Transaction),
    /// A forwarded transaction will not be proposed.
    Refused { leaf: Hash, why: RefusedWhy },
    /// How far the sender is.
    Report(NodeReport),
    /// What the sender cosigned.
    Cosignature(SignedCheckpoint),
    /// The newest checkpoint that the sender knows to be anchored.
    Anchored(SignedCheckpoint),
}

impl Frame {
    /// The bytes on the wire. `None` when the frame would be too long.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 4];
        match self {
            Self::Hello { chain } => {
                bytes.extend_from_slice(&[0, PROTOCOL]);
                bytes.extend_from_slice(chain.as_bytes());
            }
            Self::Raft(message) => {
                bytes.push(1);
                message.write_to_vec(&mut bytes).ok()?;
            }
            Self::Forward(tx) => {
                bytes.push(2);
                bytes.extend_from_slice(tx.as_bytes());
            }
            Self::Refused { leaf, why } => {
                bytes.push(3);
                bytes.extend_from_slice(&leaf.0);
                if let RefusedWhy::Invalid(why) = why {
                    bytes.push(1);
                    bytes.extend(why.chars().take(REASON_CHARS_MAX).collect::<String>().into_bytes());
                } else {
                    bytes.push(0);
                }
            }
            Self::Report(report) => {
                bytes.push(4);
                serde_json::to_writer(&mut bytes, report).ok()?;
            }
            Self::Cosignature(note) => {
                bytes.push(5);
                bytes.extend_from_slice(note.encode().as_bytes());
            }
            Self::Anchored(note) => {
                bytes.push(6);
                bytes.extend_from_slice(note.encode().as_bytes());
            }
        }
        let length = bytes.len() - 4;
        if length > FRAME_BYTES_MAX {
            return None;
        }
        let prefix = u32::try_from(length).ok()?.to_be_bytes();
        bytes.get_mut(..4)?.copy_from_slice(&prefix);
        Some(bytes)
    }

    /// Reads a frame from the bytes after its length; the reason is for people.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let (kind, body) = bytes.split_first().ok_or("an empty frame")?;
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "a text that is not UTF-8");
        match kind {
            0 => match body.split_first() {
                Some((&PROTOCOL, chain)) => Ok(Self::Hello { chain: text(chain)? }),
                _ => Err("an unknown version of the protocol"),
            },
            1 => raft_message(body).map(Self::Raft),
            2 => Transaction::decode(body).map(Self::Forward).map_err(|_| "a transaction that is not one"),
            3 => {
                let (leaf, why) = body.split_first_chunk::<32>().ok_or("a refusal that ends early")?;
                let why = match why.split_first() {
                    Some((0, [])) => RefusedWhy::Busy,
                    Some((1, reason)) => RefusedWhy::Invalid(text(reason)?),
                    _ => return Err("a refusal without a reason"),
                };
                Ok(Self::Refused { leaf: Hash(*leaf), why })
            }
            4 => serde_json::from_slice(body).map(Self::Report).map_err(|_| "a report that is not one"),
            5 | 6 => {
                let note = SignedCheckpoint::parse(&text(body)?).map_err(|_| "a checkpoint that is not one")?;
                Ok(if *kind == 5 { Self::Cosignature(note) } else { Self::Anchored(note) })
            }
            _ => Err("a frame of an unknown kind"),
        }
    }
}

/// Reads a raft message, if it is one that nodes may send one another: no proposals (they are
/// forwarded as transactions, and checked), no snapshots. Whether the sender is the leader, which alone may call another
/// to lead, is for the receiver to see.
fn raft_message(bytes: &[u8]) -> Result<Message, &'static str> {
    use MessageType as T;
    if !is_flat(bytes, Nested::Message) {
        return Err("a raft message of an unexpected form");
    }
    let message = Message::parse_from_bytes(bytes).map_err(|_| "a raft message that cannot be read")?;
    let allowed = matches!(
        message.get_msg_type(),
        T::MsgAppend
            | T::MsgAppendResponse
            | T::MsgRequestVote
            | T::MsgRequestVoteResponse
            | T::MsgRequestPreVote
            | T::MsgRequestPreVoteResponse
            | T::MsgHeartbeat
            | T::MsgHeartbeatResponse
            | T::MsgReadIndex
            | T::MsgReadIndexResp
            | T::MsgTimeoutNow
    );
    let fits = |entry: &raft::eraftpb::Entry| {
        let is_normal = entry.get_entry_type() == EntryType::EntryNormal;
        // Changes of members are parsed too, once they are committed.
        let is_plain = if is_normal { entry.context.is_empty() } else { is_flat(&entry.data, Nested::Change) };
        entry.data.len() <= BLOCK_BYTES_MAX && is_plain
    };
    if !allowed || !message.get_entries().iter().all(fits) {
        return Err("a raft message that nodes do not send");
    }
    Ok(message)
}

/// Which fields of a message hold messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nested {
    /// `Message`: entries (7), and a snapshot (9), which never comes.
    Message,
    /// `ConfChangeV2`: changes (2). In `ConfChange`, 2 is a number.
    Change,
    Nothing,
}

/// Whether protocol-buffer bytes hold no groups, neither on the top level nor in nested messages, and no snapshot. The
/// codec parses unknown groups by recursion without a limit (RUSTSEC-2024-0437), so they are refused before it sees them.
fn is_flat(mut bytes: &[u8], nested: Nested) -> bool {
    while !bytes.is_empty() {
        let Some(tag) = varint(&mut bytes) else { return false };
        let skipped = match tag & 7 {
            0 => varint(&mut bytes).map(|_| 0),
            1 => Some(8),
            2 => varint(&mut bytes).and_then(|length| usize::try_from(length).ok()),
            5 => Some(4),
            _ => None,
        };
        let Some((body, rest)) = skipped.and_then(|length| bytes.split_at_checked(length)) else { return false };
        match (tag >> 3, nested) {
            (7, Nested::Message) | (2, Nested::Change) if !is_flat(body, Nested::Nothing) => return false,
            (9, Nested::Message) => return false,
            _ => bytes = rest,
        }
    }
    true
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::{HashAlgorithm, sm3};
    use crate::crypto::sign::SigningKey;
    use crate::ledger::checkpoint::Checkpoint;
    use raft::eraftpb::{Entry, Snapshot};

    fn append() -> Message {
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgAppend);
        (message.from, message.to, message.term, message.commit) = (1, 2, 7, 1 << 40);
        let mut entry = Entry::default();
        (entry.index, entry.term, entry.data) = (9, 7, vec![1; 300].into());
        message.set_entries(vec![entry.clone(), entry].into());
        message
    }

    #[test]
    fn frames_survive_the_wire() {
        let tx = Transaction::sign("city", b"{}", &SigningKey::from_seed(&[1; 32])).unwrap();
        let leaf = sm3(&[b"leaf"]);
        let report = NodeReport {
            node_id: 3,
            term: 1,
            commit: 2,
            applied: 2,
            size: 5,
            projected: 4,
            version: "0.1.0".into(),
            edition: 2,
            clock: Some(crate::clock::Millis(7)),
            troubles: vec!["disk".into()],
            clock_ahead_ms: None,
            address: "127.0.0.1:8601".into(),
            age_ms: 0,
            lag: 0,
        };
        let checkpoint = Checkpoint::new("mulu-00", HashAlgorithm::Sm3, 9, leaf, leaf);
        let note = checkpoint.cosign(&"tax".parse().unwrap(), &SigningKey::from_seed(&[1; 32]), 7).unwrap();
        for frame in [
            Frame::Hello { chain: "mulu-00".into() },
            Frame::Raft(append()),
            Frame::Forward(tx),
            Frame::Refused { leaf, why: RefusedWhy::Busy },
            Frame::Refused { leaf, why: RefusedWhy::Invalid("文字".into()) },
            Frame::Report(report),
            Frame::Cosignature(note.clone()),
            Frame::Anchored(note),
        ] {
            let bytes = frame.encode().unwrap();
            assert_eq!(usize::try_from(u32::from_be_bytes(bytes[..4].try_into().unwrap())).unwrap(), bytes.len() - 4);
            assert_eq!(Frame::decode(&bytes[4..]), Ok(frame));
        }
    }

    #[test]
    fn messages_that_nodes_do_not_send_are_refused() {
        let refused = |message: Message| Frame::decode(&Frame::Raft(message).encode().unwrap()[4..]).is_err();
        assert!(!refused(append()));
        for kind in
            [MessageType::MsgPropose, MessageType::MsgSnapshot, MessageType::MsgTransferLeader, MessageType::MsgHup]
        {
            let mut message = append();
            message.set_msg_type(kind);
            assert!(refused(message), "{kind:?} passed");
        }
        let mut message = append();
        message.mut_entries()[1].data = vec![0; BLOCK_BYTES_MAX + 1].into();
        assert!(refused(message));
        for (data, is_refused) in [(vec![0x12, 4, 8, 1, 16, 9], false), (vec![0x12, 4, 0xa3, 6, 0xa3, 6], true)] {
            let mut message = append();
            message.mut_entries()[1].set_entry_type(EntryType::EntryConfChangeV2);
            message.mut_entries()[1].data = data.into();
            assert_eq!(refused(message), is_refused, "groups in a change of members");
        }
        let mut message = append();
        let mut snapshot = Snapshot::default();
        snapshot.mut_metadata().index = 3;
        message.set_snapshot(snapshot);
        assert!(refused(message));
    }

    #[test]
    fn groups_never_reach_the_codec() {
        let flat = append().write_to_bytes().unwrap();
        assert!(is_flat(&flat, Nested::Message));
        // Field 100, wire type 3: the beginning of a group, many times.
        let group = [0xa3, 0x06].repeat(1000);
        assert!(!is_flat(&[flat.as_slice(), &group].concat(), Nested::Message));
        let entry = [&[0x3a, 0xd0, 0x0f][..], &group].concat();
        assert!(!is_flat(&entry, Nested::Message), "a group inside an entry passed");
        for end in 1..flat.len() {
            // Cut bytes may be a shorter message, but never crash.
            let _ = is_flat(&flat[..end], Nested::Message);
        }
    }
}
