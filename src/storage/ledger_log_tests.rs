//! What the ledger's files survive, and what they refuse to hide.

use super::*;
use crate::storage::archive::segment_paths;

fn entry(index: u64, term: u64, data: &[u8]) -> RecordRef<'_> {
    RecordRef { index, term, kind: 0, data }
}

fn all(log: &LedgerLog) -> Vec<Record> {
    log.entries(1, log.last_index() + 1, u64::MAX).unwrap()
}

/// A log with small segments, each entry synced on its own.
fn filled(dir: &Path, count: u64) -> LedgerLog {
    let log = LedgerLog::open_with(dir, 200).unwrap();
    for index in 1..=count {
        log.append(&[entry(index, 1, format!("entry {index}").as_bytes())]).unwrap();
        log.sync().unwrap();
    }
    log
}

fn last_segment(dir: &Path) -> PathBuf {
    segment_paths(dir).unwrap().pop().unwrap()
}

#[test]
fn entries_are_read_back_across_segments_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 30);
    assert!(segment_paths(dir.path()).unwrap().len() > 4);
    let before = all(&log);
    assert_eq!(before.len(), 30);
    assert_eq!(before[16].data, b"entry 17");
    drop(log);
    let log = LedgerLog::open_with(dir.path(), 200).unwrap();
    assert_eq!(all(&log), before);
    assert_eq!((log.term(30), log.term(31), log.term(0)), (Some(1), None, Some(0)));
    assert_eq!(log.entry(9).unwrap().data, b"entry 9");
    assert!(matches!(log.entry(31), Err(StorageError::Absent { index: 31 })));
}

#[test]
fn a_limit_in_bytes_leaves_at_least_one_entry() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 10);
    assert_eq!(log.entries(2, 8, 0).unwrap().len(), 1);
    assert_eq!(log.entries(2, 8, 70).unwrap().len(), 2);
    assert_eq!(log.entries(2, 8, u64::MAX).unwrap().len(), 6);
    assert!(log.entries(8, 8, 10).unwrap().is_empty());
}

#[test]
fn a_new_leader_s_entries_replace_the_old_ones() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 30);
    log.append(&[entry(7, 2, b"seven anew"), entry(8, 2, b"eight anew")]).unwrap();
    log.sync().unwrap();
    assert_eq!((log.last_index(), log.term(6), log.term(7)), (8, Some(1), Some(2)));
    drop(log);
    let log = LedgerLog::open_with(dir.path(), 200).unwrap();
    assert_eq!(log.last_index(), 8);
    assert_eq!(log.entry(6).unwrap().data, b"entry 6");
    assert_eq!(log.entry(8).unwrap().data, b"eight anew");
    log.append(&[entry(1, 3, b"from the start")]).unwrap();
    drop(log);
    assert_eq!(all(&LedgerLog::open_with(dir.path(), 200).unwrap()).len(), 1);
}

#[test]
fn a_gap_or_a_long_entry_is_refused_and_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 3);
    for entries in [vec![entry(5, 1, b"x")], vec![entry(0, 1, b"x")], vec![entry(4, 1, b"x"), entry(6, 1, b"x")]] {
        assert!(matches!(log.append(&entries), Err(StorageError::Refused { .. })));
    }
    assert!(log.append(&[entry(4, 1, &vec![0; DATA_BYTES_MAX + 1])]).is_err());
    assert!(log.append(&[entry(4, 1, &vec![7; DATA_BYTES_MAX])]).is_ok());
    assert_eq!(log.entry(4).unwrap().data.len(), DATA_BYTES_MAX);
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = LedgerLog::open(dir.path()).unwrap();
    log.append(&[entry(1, 1, b"durable")]).unwrap();
    log.sync().unwrap();
    let path = last_segment(dir.path());
    let durable = fs::metadata(&path).unwrap().len();
    log.append(&[entry(2, 1, b"second"), entry(3, 1, b"third")]).unwrap();
    drop(log);
    let bytes = fs::read(&path).unwrap();
    let second_end = durable + as_u64(HEADER_BYTES + b"second".len());
    for end in durable..as_u64(bytes.len()) {
        for filler in [0, 64] {
            // Cut, or filled up with the zeros that some file systems leave.
            let mut torn = bytes[..usize::try_from(end).unwrap()].to_vec();
            torn.resize(torn.len() + filler, 0);
            fs::write(&path, &torn).unwrap();
            let log = LedgerLog::open(dir.path()).unwrap();
            let expected = if end < second_end { 1 } else { 2 };
            assert_eq!(log.last_index(), expected, "torn at {end}");
            log.append(&[entry(expected + 1, 2, b"goes on")]).unwrap();
            log.sync().unwrap();
            drop(log);
            assert_eq!(LedgerLog::open(dir.path()).unwrap().last_index(), expected + 1);
        }
    }
}

#[test]
fn pages_of_one_append_may_reach_the_disk_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = LedgerLog::open(dir.path()).unwrap();
    log.append(&[entry(1, 1, b"durable")]).unwrap();
    log.sync().unwrap();
    let path = last_segment(dir.path());
    let durable = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
    log.append(&[entry(2, 1, b"lost page"), entry(3, 1, b"kept page")]).unwrap();
    drop(log);
    let mut bytes = fs::read(&path).unwrap();
    bytes[durable..durable + HEADER_BYTES].fill(0);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(LedgerLog::open(dir.path()).unwrap().last_index(), 1);
}

#[test]
fn a_flipped_bit_below_durable_entries_is_reported_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), 12));
    let paths = segment_paths(dir.path()).unwrap();
    for path in &paths {
        let bytes = fs::read(path).unwrap();
        let last_record = if Some(path) == paths.last() { HEADER_BYTES + b"entry 12".len() } else { 0 };
        for at in 0..bytes.len() - last_record {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            fs::write(path, &flipped).unwrap();
            match LedgerLog::open_with(dir.path(), 200) {
                Err(StorageError::Damaged { path: named, offset, .. }) => {
                    assert_eq!(&named, path);
                    assert!(offset <= as_u64(at), "byte {at} reported at {offset}");
                }
                other => panic!("byte {at} of {path:?} was changed unseen: {other:?}"),
            }
        }
        fs::write(path, &bytes).unwrap();
    }
    assert_eq!(LedgerLog::open_with(dir.path(), 200).unwrap().last_index(), 12);
}

#[test]
fn a_missing_segment_is_reported_and_a_half_made_one_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), 12));
    let half_made = dir.path().join(Segment::file_name(13));
    for header in [&b""[..], b"MULUS", &[0; 16]] {
        fs::write(&half_made, header).unwrap();
        assert_eq!(LedgerLog::open_with(dir.path(), 200).unwrap().last_index(), 12);
        assert!(!half_made.exists());
    }
    fs::remove_file(&segment_paths(dir.path()).unwrap()[1]).unwrap();
    let error = LedgerLog::open_with(dir.path(), 200).unwrap_err();
    assert!(error.to_string().contains("does not follow"), "{error}");
}

#[test]
fn readers_and_the_writer_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let log = LedgerLog::open_with(dir.path(), 4096).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for index in 1..=2000 {
                log.append(&[entry(index, index / 100, &index.to_be_bytes())]).unwrap();
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while log.last_index() < 2000 {
                    let last = log.last_index();
                    for record in log.entries(last.saturating_sub(40).max(1), last + 1, u64::MAX).unwrap() {
                        assert_eq!(record.data, record.index.to_be_bytes());
                    }
                }
            });
        }
    });
}
