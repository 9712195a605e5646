//! The ledger's files as they were at one entry, to be copied while others are appended.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use super::super::StorageError;
use super::super::segment::{Segment, as_u64};
use super::LedgerLog;

/// The beginning of a segment file. It stays readable when the file is moved or its name removed meanwhile.
#[derive(Debug)]
pub struct LedgerPart {
    first_index: u64,
    file: Arc<File>,
    bytes: u64,
    read: u64,
}

impl LedgerPart {
    /// The file's name.
    pub fn name(&self) -> String {
        Segment::file_name(self.first_index)
    }

    /// Its length up to the last entry that was asked for.
    pub fn length(&self) -> u64 {
        self.bytes
    }
}

impl Read for LedgerPart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes - self.read).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let read = self.file.read_at(buffer.get_mut(..most).unwrap_or_default(), self.read)?;
        self.read += as_u64(read);
        Ok(read)
    }
}

impl LedgerLog {
    /// The segment files up to and with an entry, which must be one that is never taken back: a committed one.
    ///
    /// # Errors
    /// [`StorageError::Absent`] without such an entry, [`StorageError::Archived`], [`StorageError::Io`].
    pub fn parts(&self, last: u64) -> Result<Vec<LedgerPart>, StorageError> {
        let index = self.index.read();
        let absent = || StorageError::Absent { index: last };
        let at = last.checked_sub(1).and_then(|at| usize::try_from(at).ok()).ok_or_else(absent)?;
        let slot = *index.slots.get(at).ok_or_else(absent)?;
        let whole = slot.segment as usize;
        let mut parts = Vec::with_capacity(whole + 1);
        for (number, segment) in index.segments.iter().take(whole + 1).enumerate() {
            let end = u64::from(slot.offset) + u64::from(slot.bytes);
            let bytes = if number == whole { end } else { segment.len()? };
            parts.push(LedgerPart { first_index: segment.first_index, file: segment.file()?, bytes, read: 0 });
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::RecordRef;

    #[test]
    fn parts_are_a_ledger_that_ends_with_the_entry_asked_for() {
        let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = LedgerLog::open_with(dir.path(), 400).unwrap();
        for index in 1..=20u64 {
            log.append(&[RecordRef { index, term: 1, kind: 0, data: &[7; 100] }]).unwrap();
        }
        for last in [1, 3, 4, 11, 20] {
            for mut part in log.parts(last).unwrap() {
                let mut bytes = Vec::new();
                part.read_to_end(&mut bytes).unwrap();
                assert_eq!(as_u64(bytes.len()), part.length());
                std::fs::write(copy.path().join(part.name()), bytes).unwrap();
            }
            let copied = LedgerLog::open_with(copy.path(), 400).unwrap();
            assert_eq!((copied.last_index(), copied.entry(last).unwrap().data), (last, vec![7; 100]));
        }
        assert!(log.parts(0).is_err() && log.parts(21).is_err());
    }
}
