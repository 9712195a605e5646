//! Damage in a ledger's files, and the file that would mend it: what is whole stays byte for byte as it is.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::StorageError;
use super::archive::{self, Archived, Lies};
use super::record::{self, Record};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, as_u64};

/// Entries that cannot be read, with whole ones behind them.
#[derive(Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// The file that shall hold them.
    path: PathBuf,
    /// Whether the file is there at all.
    exists: bool,
    /// Bytes of the file before them that are whole.
    before: u64,
    /// Where in the file the next whole entry lies.
    after: u64,
}

impl Damage {
    /// Looks at a file with which a ledger cannot be read on. `None` when nothing whole follows: then the ledger's end is
    /// lost, and nobody can tell what it was.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn examine(dir: &Path, path: &Path) -> Result<Option<Self>, StorageError> {
        let places = archive::places(dir)?;
        let name = path.file_name();
        let is_it = |place: &Lies| matches!(place, Lies::Here(other) if other.file_name() == name);
        let Some(at) = places.iter().position(is_it) else { return Ok(None) };
        let first_of =
            |at: usize| places.get(at).and_then(|place| place.path().file_stem()?.to_str()?.parse::<u64>().ok());
        let Some(named) = first_of(at) else { return Ok(None) };
        let due = match at.checked_sub(1).and_then(|at| places.get(at)) {
            None => 1,
            Some(Lies::Elsewhere(before)) => {
                let before = Archived::open(before)?;
                before.first_index + as_u64(before.contents.places.len())
            }
            Some(Lies::Here(before)) => match Segment::open(before)? {
                Some(segment) => segment.first_index + as_u64(segment.contents()?.places.len()),
                None => return Ok(None),
            },
        };
        if named > due {
            // A file between the two is gone.
            let path = dir.join(Segment::file_name(due));
            return Ok(Some(Self { first: due, last: named - 1, path, exists: false, before: 0, after: 0 }));
        }
        Self::within(path, due, first_of(at + 1))
    }

    fn within(path: &Path, due: u64, next: Option<u64>) -> Result<Option<Self>, StorageError> {
        let bytes = fs::read(path).map_err(StorageError::io(path, "reading"))?;
        let (first, before) = match Segment::open(path) {
            Ok(Some(segment)) => {
                let contents = segment.contents()?;
                (segment.first_index + as_u64(contents.places.len()), contents.end)
            }
            // Its header is damaged: it is written anew.
            _ => (due, SEGMENT_HEADER_BYTES),
        };
        let rest = bytes.get(usize::try_from(before).unwrap_or(usize::MAX)..).unwrap_or_default();
        let (after, last) = match (record::next_whole_in(rest, first), next) {
            (Some((offset, index)), _) => (before + as_u64(offset), index.saturating_sub(1)),
            (None, Some(next)) => (as_u64(bytes.len()), next.saturating_sub(1)),
            (None, None) => return Ok(None),
        };
        let path = path.to_owned();
        Ok((last >= first).then_some(Self { first, last, path, exists: true, before, after }))
    }

    /// Lets a file that is gone end with an earlier entry: what follows is then another file that is gone.
    pub fn end_with(&mut self, last: u64) {
        if !self.exists {
            self.last = last.clamp(self.first, self.last);
        }
    }

    /// The name of the file that shall hold the entries.
    pub fn file_name(&self) -> PathBuf {
        self.path.file_name().map(PathBuf::from).unwrap_or_default()
    }

    /// Writes, at a path, the file as it is to be with these entries, durably.
    ///
    /// # Errors
    /// [`StorageError::Refused`] for other entries; [`StorageError::Io`].
    pub fn write_mended(&self, to: &Path, entries: &[Record]) -> Result<(), StorageError> {
        let mut indexes = entries.iter().map(|entry| entry.index);
        if !(self.first..=self.last).all(|index| indexes.next() == Some(index)) || indexes.next().is_some() {
            return Err(StorageError::Refused { index: self.first, why: "these are not the missing entries" });
        }
        let old = if self.exists {
            fs::read(&self.path).map_err(StorageError::io(&self.path, "reading"))?
        } else {
            Vec::new()
        };
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let named = self.path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).unwrap_or(self.first);
        let head = old.get(at(SEGMENT_HEADER_BYTES)..at(self.before)).unwrap_or_default();
        let tail = old.get(at(self.after)..).unwrap_or_default();
        let mut file = File::create(to).map_err(StorageError::io(to, "creating"))?;
        for part in [&Segment::header(named), head, &record::encode_records(entries), tail] {
            file.write_all(part).map_err(StorageError::io(to, "writing"))?;
        }
        file.sync_all().map_err(StorageError::io(to, "syncing"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::RecordRef;
    use super::super::archive::segment_paths;
    use super::super::ledger_log::LedgerLog;
    use super::*;

    const ENTRIES: u64 = 12;

    fn ledger(dir: &Path) -> Vec<Record> {
        let log = LedgerLog::open_with(dir, 500).unwrap();
        for index in 1..=ENTRIES {
            let data = vec![u8::try_from(index).unwrap(); 90];
            log.append(&[RecordRef { index, term: 1, kind: 0, data: &data }]).unwrap();
            log.sync().unwrap();
        }
        log.entries(1, ENTRIES + 1, u64::MAX).unwrap()
    }

    fn open(dir: &Path) -> Result<LedgerLog, PathBuf> {
        LedgerLog::open_with(dir, 500).map_err(|error| match error {
            StorageError::Damaged { path, .. } => path,
            other => panic!("{other}"),
        })
    }

    /// Mends until the ledger can be read, or says that its end is lost.
    fn mend(dir: &Path, entries: &[Record]) -> bool {
        for _ in 0..10 {
            let Err(path) = open(dir) else { return true };
            let Some(damage) = Damage::examine(dir, &path).unwrap() else { return false };
            let range = usize::try_from(damage.first - 1).unwrap()..usize::try_from(damage.last).unwrap();
            let mended = dir.join("mended");
            damage.write_mended(&mended, &entries[range]).unwrap();
            fs::rename(&mended, dir.join(damage.file_name())).unwrap();
        }
        panic!("it is never mended");
    }

    #[test]
    fn a_flipped_byte_anywhere_is_mended_or_the_end_is_said_to_be_lost() {
        let dir = tempfile::tempdir().unwrap();
        let entries = ledger(dir.path());
        let paths = segment_paths(dir.path()).unwrap();
        assert!(paths.len() >= 3);
        let mut mended = 0;
        for (number, path) in paths.iter().enumerate() {
            let whole = fs::read(path).unwrap();
            for at in (0..whole.len()).step_by(7) {
                let mut flipped = whole.clone();
                flipped[at] ^= 0x20;
                fs::write(path, &flipped).unwrap();
                if mend(dir.path(), &entries) {
                    let log = open(dir.path()).unwrap();
                    let last = log.last_index();
                    // A crash could have left this: the ledger's last entry is cut as it always was.
                    assert!(last == ENTRIES || number + 1 == paths.len(), "{}: byte {at}", path.display());
                    mended += usize::from(last == ENTRIES);
                    assert_eq!(log.entries(1, last + 1, u64::MAX).unwrap(), entries[..usize::try_from(last).unwrap()]);
                } else {
                    assert_eq!(number + 1, paths.len(), "{}: byte {at}", path.display());
                }
                fs::write(path, &whole).unwrap();
            }
        }
        assert!(mended > 100, "{mended} were mended");
    }

    #[test]
    fn a_file_that_is_gone_and_two_damages_at_once_are_mended() {
        let dir = tempfile::tempdir().unwrap();
        let entries = ledger(dir.path());
        let paths = segment_paths(dir.path()).unwrap();
        let whole = fs::read(&paths[0]).unwrap();
        fs::remove_file(&paths[1]).unwrap();
        let mut flipped = whole;
        (flipped[50], flipped[300]) = (!flipped[50], !flipped[300]);
        fs::write(&paths[0], flipped).unwrap();
        assert!(mend(dir.path(), &entries));
        let log = open(dir.path()).unwrap();
        assert_eq!(log.entries(1, ENTRIES + 1, u64::MAX).unwrap(), entries);
    }

    #[test]
    fn other_entries_are_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let entries = ledger(dir.path());
        let path = segment_paths(dir.path()).unwrap().remove(0);
        let mut flipped = fs::read(&path).unwrap();
        flipped[60] ^= 1;
        fs::write(&path, flipped).unwrap();
        let damage = Damage::examine(dir.path(), &path).unwrap().unwrap();
        assert_eq!((damage.first, damage.last), (1, 1));
        for wrong in [&entries[..0], &entries[1..2], &entries[..2]] {
            assert!(damage.write_mended(&dir.path().join("x"), wrong).is_err());
        }
    }
}
