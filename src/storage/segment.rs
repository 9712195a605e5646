//! One file of the ledger: a header, then records one after another.
//!
//! Header: `MULUSEG1`, index of the first record (8, big endian). The file's name is that index
//! too, so that files sort as their records do.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StorageError;
use super::data_dir::sync_directory;
use super::record::{self, DATA_BYTES_MAX, Found, HEADER_BYTES};

const MAGIC: &[u8; 8] = b"MULUSEG1";
/// Bytes of a segment before its first record.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 16;
/// How much of a file is read at once while it is checked.
const WINDOW_BYTES: usize = 1024 * 1024;

/// A segment file. Reads go to a place, so any number of threads may read at once.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// Open, unless it lies in an archive: that may come and go.
    file: Option<Arc<File>>,
    pub(super) first_index: u64,
}

/// Where a record lies, found by reading a segment.
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) bytes: usize,
    pub(super) term: u64,
    pub(super) kind: u8,
}

/// What a segment holds.
pub(super) struct Contents {
    pub(super) places: Vec<Place>,
    /// Where the last whole record ends.
    pub(super) end: u64,
    /// Why reading stopped before the end of the file, if it did.
    pub(super) fault: Option<&'static str>,
}

impl Segment {
    /// The name of the segment that begins with an index.
    pub(super) fn file_name(first_index: u64) -> String {
        format!("{first_index:020}.seg")
    }

    /// What stands before the first record.
    pub(super) fn header(first_index: u64) -> Vec<u8> {
        [MAGIC.as_slice(), &first_index.to_be_bytes()].concat()
    }

    /// Creates an empty segment whose name and header survive a crash.
    pub(super) fn create(dir: &Path, first_index: u64) -> Result<Self, StorageError> {
        let path = dir.join(Self::file_name(first_index));
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(StorageError::io(&path, "creating"))?;
        file.write_all_at(&Self::header(first_index), 0).map_err(StorageError::io(&path, "writing"))?;
        file.sync_all().map_err(StorageError::io(&path, "syncing"))?;
        sync_directory(dir)?;
        Ok(Self { path, file: Some(Arc::new(file)), first_index })
    }

    /// Opens a segment; `None` when its header was never written whole.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, StorageError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(StorageError::io(path, "opening"))?;
        let mut header = [0u8; 16];
        match file.read_exact_at(&mut header, 0) {
            Ok(()) => {}
            Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(cause) => return Err(StorageError::io(path, "reading")(cause)),
        }
        if header == [0u8; 16] {
            return Ok(None);
        }
        let first_index = first_index(&header);
        let named = path.file_name().map(|name| name.to_string_lossy().into_owned());
        match first_index {
            Some(first_index) if named == Some(Self::file_name(first_index)) => {
                Ok(Some(Self { path: path.to_owned(), file: Some(Arc::new(file)), first_index }))
            }
            _ => Err(StorageError::Damaged { path: path.to_owned(), offset: 0, why: "its header is wrong".into() }),
        }
    }

    /// One that lies in an archive.
    pub(super) fn archived(path: PathBuf, first_index: u64) -> Self {
        Self { path, file: None, first_index }
    }

    /// Whether it lies in an archive.
    pub(super) fn is_archived(&self) -> bool {
        self.file.is_none()
    }

    /// The open file; one in an archive is opened for each use, so that the archive may be taken away.
    pub(super) fn file(&self) -> Result<Arc<File>, StorageError> {
        match &self.file {
            Some(file) => Ok(file.clone()),
            None => {
                let opened = File::open(&self.path).map(Arc::new);
                opened.map_err(|_| StorageError::Archived { path: self.path.clone() })
            }
        }
    }

    /// Length of the file in bytes.
    pub(super) fn len(&self) -> Result<u64, StorageError> {
        self.file()?.metadata().map(|m| m.len()).map_err(StorageError::io(&self.path, "measuring"))
    }

    /// Reads some bytes from a place.
    pub(super) fn read(&self, offset: u64, bytes: usize) -> Result<Vec<u8>, StorageError> {
        let mut buffer = vec![0; bytes];
        let read = self.file()?.read_exact_at(&mut buffer, offset);
        read.map_err(StorageError::io(&self.path, "reading"))?;
        Ok(buffer)
    }

    /// Cuts the file durably.
    pub(super) fn cut(&self, end: u64) -> Result<(), StorageError> {
        let file = self.file()?;
        file.set_len(end).map_err(StorageError::io(&self.path, "cutting"))?;
        file.sync_all().map_err(StorageError::io(&self.path, "syncing"))
    }

    /// Reads and checks every record, up to the first that is not whole, out of order, or absent.
    pub(super) fn contents(&self) -> Result<Contents, StorageError> {
        let length = self.len()?;
        let mut found = Contents { places: Vec::new(), end: SEGMENT_HEADER_BYTES, fault: None };
        let (mut window, mut window_start) = (Vec::new(), SEGMENT_HEADER_BYTES);
        let mut term_before = 0;
        while found.end < length {
            let skip = usize::try_from(found.end - window_start).unwrap_or(usize::MAX);
            let rest = window.get(skip..).unwrap_or_default();
            let at_end = window_start + as_u64(window.len()) >= length;
            if rest.len() < HEADER_BYTES + DATA_BYTES_MAX && !at_end {
                let bytes = usize::try_from(length - found.end).unwrap_or(usize::MAX).min(WINDOW_BYTES);
                window = self.read(found.end, bytes)?;
                window_start = found.end;
                continue;
            }
            let expected = self.first_index + as_u64(found.places.len());
            match record::read(rest) {
                Found::Record { record, .. } if record.index != expected || record.term < term_before => {
                    found.fault = Some("a record is out of order");
                    break;
                }
                Found::Record { record, bytes, .. } => {
                    found.places.push(Place { offset: found.end, bytes, term: record.term, kind: record.kind });
                    term_before = record.term;
                    found.end += as_u64(bytes);
                }
                Found::Bad(why) => {
                    found.fault = Some(why);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Whether a damaged place is not what a crash leaves: see [`record::is_marked_durable_in`] and
    /// [`record::is_whole_but_for_its_length`].
    pub(super) fn is_marked_durable_after(&self, offset: u64, index: u64) -> Result<bool, StorageError> {
        let bytes = usize::try_from(self.len()?.saturating_sub(offset)).unwrap_or(usize::MAX);
        let rest = self.read(offset, bytes)?;
        Ok(record::is_whole_but_for_its_length(&rest) || record::is_marked_durable_in(&rest, index))
    }
}

/// Index of a segment's first record, from the header of its file.
pub(super) fn first_index(header: &[u8]) -> Option<u64> {
    header.strip_prefix(MAGIC).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes)
}

pub(super) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
