//! Segments in an archive: found, read and proven as before, and told apart when their folder is away.

use super::*;
use crate::fuzzing::fuzz;
use crate::storage::RecordRef;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::ledger_reader::LedgerReader;

const ENTRIES: u64 = 40;

fn ledger(dir: &Path) -> LedgerLog {
    let log = LedgerLog::open_with(dir, 400).unwrap();
    for index in 1..=ENTRIES {
        log.append(&[RecordRef { index, term: 1 + index / 10, kind: 0, data: &[7; 90] }]).unwrap();
    }
    log.sync().unwrap();
    log
}

fn check(log: &LedgerLog) {
    assert_eq!(log.last_index(), ENTRIES);
    let entries = log.entries(1, ENTRIES + 1, u64::MAX).unwrap();
    assert!(entries.iter().zip(1..).all(|(entry, index)| (entry.index, entry.data.len()) == (index, 90)));
}

fn read_all(dir: &Path) -> Result<u64, StorageError> {
    let mut reader = LedgerReader::open(dir)?;
    let mut count = 0;
    while reader.next_entry()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn what_was_moved_is_read_from_there_and_missed_when_it_is_not_at_hand() {
    let home = tempfile::tempdir().unwrap();
    let (dir, away) = (home.path().join("ledger"), home.path().join("archive"));
    let log = ledger(&dir);
    let before = log.segments();
    let moved = [&before[1], &before[2], &before[4]];
    for segment in moved {
        log.archive(segment.first_index, &away).unwrap();
        assert!(!segment.path.exists());
    }
    assert!(log.archive(before[1].first_index, &away).is_err(), "it is there already");
    assert!(log.archive(before.last().unwrap().first_index, &away).is_err(), "it is written to");
    check(&log);
    let after = log.segments();
    drop(log);
    let log = LedgerLog::open_with(&dir, 400).unwrap();
    assert_eq!(log.segments(), after);
    assert_eq!(after.iter().filter(|segment| segment.is_archived).count(), 3);
    check(&log);
    assert_eq!(read_all(&dir).unwrap(), ENTRIES);
    fs::rename(&away, home.path().join("unmounted")).unwrap();
    let inside = before[1].first_index;
    assert_eq!(log.out_of_reach(inside), Some(away.join(Segment::file_name(inside))));
    assert_eq!((log.out_of_reach(1), log.out_of_reach(ENTRIES)), (None, None));
    assert!(matches!(log.entry(inside), Err(StorageError::Archived { .. })));
    assert_eq!((log.term(inside), log.entry(1).unwrap().index), (Some(1), 1), "terms and the rest are known");
    assert!(matches!(read_all(&dir), Err(StorageError::Archived { .. })));
    drop(log);
    let log = LedgerLog::open_with(&dir, 400).unwrap();
    let next = RecordRef { index: ENTRIES + 1, term: 9, kind: 0, data: b"on it goes" };
    log.append(&[next]).unwrap();
    fs::rename(home.path().join("unmounted"), &away).unwrap();
    assert_eq!(log.entries(1, ENTRIES + 2, u64::MAX).unwrap().len() as u64, ENTRIES + 1);
}

/// The states of the files between the steps, as a kill leaves them: each opens whole, and the move may be repeated.
#[test]
fn a_move_that_was_killed_loses_nothing() {
    for step in 0..4 {
        let home = tempfile::tempdir().unwrap();
        let (dir, away) = (home.path().join("ledger"), home.path().join("archive"));
        let log = ledger(&dir);
        let segment = log.segments().remove(1);
        let bytes = fs::read(&segment.path).unwrap();
        let name = Segment::file_name(segment.first_index);
        fs::create_dir(&away).unwrap();
        match step {
            0 => fs::write(away.join(format!("{name}.unfinished")), &bytes[..50]).unwrap(),
            1 => fs::write(away.join(&name), &bytes).unwrap(),
            // Its index is written, and it is still here as well.
            _ => {
                log.archive(segment.first_index, &away).unwrap();
                fs::write(&segment.path, &bytes).unwrap();
            }
        }
        drop(log);
        if step == 3 {
            fs::remove_file(away.join(&name)).unwrap();
        }
        let log = LedgerLog::open_with(&dir, 400).unwrap();
        check(&log);
        assert_eq!(read_all(&dir).unwrap(), ENTRIES);
        log.archive(segment.first_index, &away).unwrap();
        check(&log);
        drop(log);
        check(&LedgerLog::open_with(&dir, 400).unwrap());
    }
}

#[test]
fn fuzz_an_index_file() {
    let home = tempfile::tempdir().unwrap();
    let (dir, away) = (home.path().join("ledger"), home.path().join("archive"));
    let log = ledger(&dir);
    let first = log.segments()[1].first_index;
    log.archive(first, &away).unwrap();
    let bytes = fs::read(index_path(&dir, first)).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert!(Archived::decode(&flipped).is_none(), "byte {at}");
    }
    fuzz!(vec![bytes], |bytes: &[u8]| {
        // The checksum is right, so that what lies behind it is reached.
        let mut right = bytes.to_vec();
        if let Some(body) = bytes.len().checked_sub(4) {
            right.truncate(body);
            right.extend_from_slice(&crc32fast::hash(&right).to_be_bytes());
        }
        Archived::decode(&right).is_some()
    });
}
