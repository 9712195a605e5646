//! What a leader can only say to a node that lost part of what it had acknowledged, or when the leader lost it. The raft
//! library would end the process without a word of sense, or never find out.

use raft::Raft;
use raft::eraftpb::{Message, MessageType};

use super::ConsensusError;
use super::log_view::LogView;
use super::ports::Log;

/// Claims that this node's log can follow a message.
pub(super) fn check<L: Log>(raft: &Raft<LogView<L>>, message: &Message) -> Result<(), ConsensusError> {
    if message.term < raft.term {
        return Ok(());
    }
    let log = &raft.raft_log;
    match message.get_msg_type() {
        // A leader tells a node of no entry that the node did not confirm to it.
        MessageType::MsgHeartbeat if message.commit > log.last_index() => {
            Err(ConsensusError::TailLost { last: log.last_index(), committed: message.commit })
        }
        // What is final is the same everywhere.
        MessageType::MsgAppend if message.index < log.committed => {
            let before = std::iter::once((message.index, message.log_term));
            let sent = before.chain(message.entries.iter().map(|entry| (entry.index, entry.term)));
            let final_ones = sent.take_while(|(index, _)| *index <= log.committed);
            let mut other = final_ones.filter(|(index, term)| log.term(*index).is_ok_and(|own| own != *term));
            other.next().map_or(Ok(()), |(index, _)| Err(ConsensusError::Parted { index }))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use raft::eraftpb::{ConfState, Entry, HardState};
    use raft::{Config, RaftState, RawNode};

    use super::*;
    use crate::storage::RecordRef;
    use crate::storage::ledger_log::LedgerLog;

    fn message(kind: MessageType, index: u64, log_term: u64, entries: &[(u64, u64)], commit: u64) -> Message {
        let mut message = Message::default();
        message.set_msg_type(kind);
        (message.from, message.to, message.term, message.commit) = (2, 1, 5, commit);
        (message.index, message.log_term) = (index, log_term);
        for (index, term) in entries {
            message.entries.push(Entry { index: *index, term: *term, ..Entry::default() });
        }
        message
    }

    #[test]
    fn a_lost_end_and_another_past_are_told_and_what_is_usual_passes() {
        let dir = tempfile::tempdir().unwrap();
        let log = Arc::new(LedgerLog::open(dir.path()).unwrap());
        for (index, term) in [(1, 1), (2, 1), (3, 4), (4, 4)] {
            log.append(&[RecordRef { index, term, kind: 0, data: b"x" }]).unwrap();
        }
        let hard = HardState { term: 4, commit: 3, ..HardState::default() };
        let members = ConfState::from((vec![1, 2, 3], vec![]));
        let view = LogView { log, initial: RaftState::new(hard, members) };
        let config = Config { id: 1, election_tick: 10, heartbeat_tick: 1, applied: 3, ..Config::default() };
        let node = RawNode::new(&config, view, &slog::Logger::root(slog::Discard, slog::o!())).unwrap();
        let judged = |message: &Message| check(&node.raft, message);
        use MessageType::{MsgAppend, MsgHeartbeat};
        assert!(judged(&message(MsgHeartbeat, 0, 0, &[], 4)).is_ok());
        let lost = judged(&message(MsgHeartbeat, 0, 0, &[], 9)).unwrap_err();
        assert!(matches!(lost, ConsensusError::TailLost { last: 4, committed: 9 }));
        assert!(lost.to_string().contains("mulu node replace"));
        for usual in [&[(2, 1), (3, 4), (4, 4)][..], &[(4, 5)], &[]] {
            let before = usual.first().map_or(4, |(index, _)| index - 1);
            let term = if before < 3 { 1 } else { 4 };
            assert!(judged(&message(MsgAppend, before, term, usual, 3)).is_ok(), "{usual:?}");
        }
        assert!(matches!(
            judged(&message(MsgAppend, 2, 1, &[(3, 5), (4, 5)], 3)),
            Err(ConsensusError::Parted { index: 3 })
        ));
        assert!(matches!(judged(&message(MsgAppend, 2, 3, &[], 3)), Err(ConsensusError::Parted { index: 2 })));
        let mut late = message(MsgHeartbeat, 0, 0, &[], 9);
        late.term = 3;
        assert!(judged(&late).is_ok(), "of an old term nothing counts");
    }
}
