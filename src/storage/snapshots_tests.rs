//! Snapshot files: written whole or not at all, the newest two kept, and damaged ones passed over.

use super::*;
use crate::fuzzing::fuzz;

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn write(snapshots: &Snapshots, raft_index: u64, content: &[u8]) -> u64 {
    snapshots.write(raft_index, |out| out.write_all(content)).unwrap()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut reader = SnapshotReader::open(path)?;
    let mut content = Vec::new();
    reader.read_to_end(&mut content)?;
    reader.finish()?;
    Ok(content)
}

fn indexes(snapshots: &Snapshots) -> Vec<u64> {
    snapshots.list().unwrap().iter().map(|file| file.raft_index).collect()
}

#[test]
fn the_newest_two_stay_and_give_back_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::of(dir.path());
    assert_eq!(indexes(&snapshots), Vec::<u64>::new());
    for (raft_index, length) in [(7, 0), (90, 5), (800, PIECE_BYTES_MAX), (7000, 3 * PIECE_BYTES_MAX + 1)] {
        let bytes = write(&snapshots, raft_index, &content(length));
        let path = snapshots.path(raft_index);
        assert_eq!(bytes, fs::metadata(&path).unwrap().len());
        assert_eq!(read(&path).unwrap(), content(length));
    }
    assert_eq!(indexes(&snapshots), [7000, 800]);
    let newest = snapshots.list().unwrap().remove(0);
    snapshots.set_aside(&newest).unwrap();
    assert_eq!(indexes(&snapshots), [800]);
    assert!(newest.path.with_extension("snap.damaged").exists());
}

#[test]
fn one_that_failed_leaves_nothing_and_what_a_crash_left_goes() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::of(dir.path());
    write(&snapshots, 7, b"seven");
    let failed = snapshots.write(9, |out| out.write_all(b"ni").and(Err(io::Error::other("the disk is full"))));
    assert!(failed.unwrap_err().to_string().contains("the disk is full"));
    assert_eq!(snapshots.files().unwrap(), [snapshots.path(7)]);
    fs::write(snapshots.path(8).with_extension("unfinished"), b"killed").unwrap();
    assert_eq!(indexes(&snapshots), [7]);
    write(&snapshots, 10, b"ten");
    assert_eq!(snapshots.files().unwrap().len(), 2);
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::of(dir.path());
    write(&snapshots, 7, b"what the city decided");
    let path = snapshots.path(7);
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &flipped).unwrap();
        assert!(read(&path).is_err(), "bit {bit}");
    }
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        assert!(read(&path).is_err(), "cut at {end}");
    }
    fs::write(&path, [whole.as_slice(), b"x"].concat()).unwrap();
    assert!(read(&path).is_err(), "something follows");
}

#[test]
fn fuzz_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::of(dir.path());
    let valid = [0, 5, 300].map(|length| {
        write(&snapshots, 7, &content(length));
        fs::read(snapshots.path(7)).unwrap()
    });
    fuzz!(valid.to_vec(), |bytes: &[u8]| {
        let Ok(mut reader) = SnapshotReader::new(bytes) else { return false };
        let mut content = Vec::new();
        reader.read_to_end(&mut content).and_then(|_| reader.finish()).is_ok()
    });
}
