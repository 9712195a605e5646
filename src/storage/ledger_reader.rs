//! Reads a ledger's segment files from first to last without owning them: for audits, also beside a running node.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::StorageError;
use super::archive::{self, Archived, Lies};
use super::record::{self, DATA_BYTES_MAX, Found, HEADER_BYTES, Record};
use super::segment::{SEGMENT_HEADER_BYTES, as_u64, first_index};

const WINDOW_BYTES: usize = 1024 * 1024;

/// Entries in their order. Nothing is written, cut or locked.
///
/// What a crash, or a node writing at this moment, left unfinished at the very end is passed over and told by
/// [`LedgerReader::torn`]; damage anywhere else is an error.
pub struct LedgerReader {
    paths: std::vec::IntoIter<PathBuf>,
    open: Option<OpenSegment>,
    next_index: u64,
    torn: Option<&'static str>,
}

struct OpenSegment {
    path: PathBuf,
    file: BufReader<File>,
    is_last: bool,
    /// Bytes of the file before the window.
    before: u64,
    window: Vec<u8>,
    /// Bytes of the window that are read already.
    used: usize,
    at_end: bool,
}

impl LedgerReader {
    /// Begins to read the segment files of a ledger's directory, and of its archive.
    ///
    /// # Errors
    /// [`StorageError::Io`]; [`StorageError::Archived`] when the archive is not at hand.
    pub fn open(dir: &Path) -> Result<Self, StorageError> {
        let mut paths = Vec::new();
        for place in archive::places(dir)? {
            paths.push(match place {
                Lies::Here(path) => path,
                Lies::Elsewhere(index) => {
                    let path = Archived::open(&index)?.path;
                    if !path.exists() {
                        return Err(StorageError::Archived { path });
                    }
                    path
                }
            });
        }
        Ok(Self { paths: paths.into_iter(), open: None, next_index: 1, torn: None })
    }

    /// Why reading ended before the end of the last file, if it did.
    pub fn torn(&self) -> Option<&'static str> {
        self.torn
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] or [`StorageError::Io`].
    pub fn next_entry(&mut self) -> Result<Option<Record>, StorageError> {
        loop {
            let Some(segment) = &mut self.open else {
                match self.paths.next() {
                    None => return Ok(None),
                    Some(path) => self.open = self.begin(path)?,
                }
                continue;
            };
            segment.fill()?;
            let rest = segment.window.get(segment.used..).unwrap_or_default();
            if rest.is_empty() {
                self.open = None;
                continue;
            }
            let why = match record::read(rest) {
                Found::Record { record, bytes, .. } if record.index == self.next_index => {
                    let record::RecordRef { index, term, kind, data } = record;
                    let record = Record { index, term, kind, data: data.to_vec() };
                    segment.used += bytes;
                    self.next_index += 1;
                    return Ok(Some(record));
                }
                Found::Record { .. } => "a record is out of order",
                Found::Bad(why) => why,
            };
            if segment.read_rest()? {
                // A node may have been writing this very record.
                continue;
            }
            // A crash leaves a beginning of a record, and nothing whole behind it.
            if !segment.is_last || why != record::ENDS_EARLY || segment.goes_on(self.next_index) {
                let offset = segment.before + as_u64(segment.used);
                return Err(StorageError::Damaged { path: segment.path.clone(), offset, why: why.into() });
            }
            self.torn = Some(why);
            self.open = None;
        }
    }

    fn begin(&mut self, path: PathBuf) -> Result<Option<OpenSegment>, StorageError> {
        let mut file = BufReader::new(File::open(&path).map_err(StorageError::io(&path, "opening"))?);
        let is_last = self.paths.len() == 0;
        let mut header = Vec::new();
        let read = file.by_ref().take(SEGMENT_HEADER_BYTES).read_to_end(&mut header);
        read.map_err(StorageError::io(&path, "reading"))?;
        match first_index(&header) {
            Some(first) if first == self.next_index => Ok(Some(OpenSegment {
                path,
                file,
                is_last,
                before: SEGMENT_HEADER_BYTES,
                window: Vec::new(),
                used: 0,
                at_end: false,
            })),
            None if is_last && is_unfinished(&header) => {
                self.torn = Some("a segment's header is unfinished");
                Ok(None)
            }
            _ => Err(StorageError::Damaged { path, offset: 0, why: "it does not follow the segment before it".into() }),
        }
    }
}

impl OpenSegment {
    /// Keeps a whole record, or all that is left of the file, in the window.
    fn fill(&mut self) -> Result<(), StorageError> {
        if self.at_end || self.window.len() - self.used >= HEADER_BYTES + DATA_BYTES_MAX {
            return Ok(());
        }
        self.before += as_u64(self.used);
        self.window.drain(..self.used);
        self.used = 0;
        let read = self.file.by_ref().take(as_u64(WINDOW_BYTES)).read_to_end(&mut self.window);
        let read = read.map_err(StorageError::io(&self.path, "reading"))?;
        self.at_end = read < WINDOW_BYTES;
        Ok(())
    }
}

impl OpenSegment {
    /// Takes all that is left of the file into the window; says whether there was something.
    fn read_rest(&mut self) -> Result<bool, StorageError> {
        self.at_end = true;
        let read = self.file.read_to_end(&mut self.window);
        Ok(read.map_err(StorageError::io(&self.path, "reading"))? > 0)
    }

    /// Whether a whole record lies at a damaged place, where `index` was due, or behind it.
    fn goes_on(&self, index: u64) -> bool {
        let rest = self.window.get(self.used..).unwrap_or_default();
        record::is_whole_but_for_its_length(rest) || record::goes_on_in(rest, index)
    }
}

/// Whether a segment's header is what a crash leaves of it.
fn is_unfinished(header: &[u8]) -> bool {
    as_u64(header.len()) < SEGMENT_HEADER_BYTES || header.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::storage::RecordRef;
    use crate::storage::ledger_log::LedgerLog;

    fn log(dir: &Path, entries: u64) -> LedgerLog {
        let log = LedgerLog::open(dir).unwrap();
        for index in 1..=entries {
            log.append(&[RecordRef { index, term: 1, kind: 0, data: &vec![7; 100_000] }]).unwrap();
        }
        log.sync().unwrap();
        log
    }

    fn read(dir: &Path) -> (u64, Option<&'static str>) {
        let mut reader = LedgerReader::open(dir).unwrap();
        let mut last = 0;
        while let Some(record) = reader.next_entry().unwrap() {
            assert_eq!((record.index, record.data.len()), (last + 1, 100_000));
            last = record.index;
        }
        (last, reader.torn())
    }

    #[test]
    fn a_ledger_is_read_beside_the_process_that_owns_it() {
        let dir = tempfile::tempdir().unwrap();
        // More than one window.
        let _owned = log(dir.path(), 40);
        assert_eq!(read(dir.path()), (40, None));
    }

    #[test]
    fn a_torn_end_is_told_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        drop(log(dir.path(), 12));
        let path =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).find(|p| p.extension().is_some()).unwrap();
        let length = fs::metadata(&path).unwrap().len();
        File::options().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
        assert_eq!(read(dir.path()), (11, Some("a record ends early")));
        assert_eq!(fs::metadata(&path).unwrap().len(), length - 1);
    }
    #[test]
    fn a_flipped_byte_is_damage_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let log = LedgerLog::open(dir.path()).unwrap();
        for index in 1..=5 {
            log.append(&[RecordRef { index, term: 1, kind: 0, data: b"what the city decided" }]).unwrap();
            log.sync().unwrap();
        }
        drop(log);
        let path =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).find(|p| p.extension().is_some()).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            let read = LedgerReader::open(dir.path()).and_then(|mut reader| {
                while reader.next_entry()?.is_some() {}
                Ok(reader.torn())
            });
            assert!(read.is_err(), "byte {at}");
        }
    }
}
