//! The ledger on disk: consensus entries in append-only segment files, each stored once.
//!
//! One thread appends; any number read. What is appended can be read at once, and is durable when
//! [`LedgerLog::sync`] has returned.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::clock::Spent;

use super::StorageError;
use super::data_dir::{DirectoryLock, sync_directory};
use super::record::{self, AFTER_SYNC, DATA_BYTES_MAX, Found, HEADER_BYTES, Record, RecordRef};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, as_u64};

/// A segment is closed before it grows beyond this many bytes.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Where an entry lies; 24 bytes each, kept in memory for every entry.
#[derive(Clone, Copy, Debug)]
struct Slot {
    segment: u32,
    offset: u32,
    bytes: u32,
    kind: u8,
    term: u64,
}

#[derive(Debug, Default)]
struct Index {
    segments: Vec<Arc<Segment>>,
    /// The slot of entry `i` is at `i - 1`: the log begins with entry 1 and is never compacted.
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Writer {
    /// Where the next record goes in the last segment.
    end: u64,
    /// Whether something was appended since the last sync.
    dirty: bool,
    /// Whether a write failed.
    poisoned: bool,
}

/// The entries of consensus, from 1 to [`LedgerLog::last_index`].
#[derive(Debug)]
pub struct LedgerLog {
    dir: PathBuf,
    segment_bytes: u64,
    index: RwLock<Index>,
    writer: Mutex<Writer>,
    /// Processor time of writing and of syncing.
    spent: (Spent, Spent),
    _lock: DirectoryLock,
}

/// Records that lie one after another in one segment.
struct Run {
    segment: Arc<Segment>,
    offset: u64,
    bytes: usize,
}

impl LedgerLog {
    /// Opens the log of a directory, which this process owns from then on, and checks every
    /// record. What a crash tore off the end is cut away.
    ///
    /// # Errors
    /// [`StorageError::Locked`], [`StorageError::Damaged`] or [`StorageError::Io`].
    pub fn open(dir: &Path) -> Result<Self, StorageError> {
        Self::open_with(dir, SEGMENT_BYTES)
    }

    /// As [`LedgerLog::open`], with segments of another length.
    pub(crate) fn open_with(dir: &Path, segment_bytes: u64) -> Result<Self, StorageError> {
        let lock = DirectoryLock::acquire(dir)?;
        let (index, end) = load(dir)?;
        if let Some(last) = index.segments.last() {
            // A killed process may have left records that are readable and yet not on disk.
            last.file.sync_data().map_err(StorageError::io(&last.path, "syncing"))?;
        }
        let writer = Writer { end, ..Writer::default() };
        Ok(Self {
            dir: dir.to_owned(),
            segment_bytes,
            index: RwLock::new(index),
            writer: Mutex::new(writer),
            spent: Default::default(),
            _lock: lock,
        })
    }

    /// The folder with the segment files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Processor time of writing records, and of waiting for the disk.
    pub fn spent(&self) -> (Duration, Duration) {
        (self.spent.0.total(), self.spent.1.total())
    }

    /// Index of the last entry, 0 when there is none.
    pub fn last_index(&self) -> u64 {
        as_u64(self.index.read().slots.len())
    }

    /// Term of an entry; entry 0 has term 0.
    pub fn term(&self, index: u64) -> Option<u64> {
        if index == 0 { Some(0) } else { self.slot(index).map(|slot| slot.term) }
    }

    /// Kind of an entry.
    pub fn kind(&self, index: u64) -> Option<u8> {
        self.slot(index).map(|slot| slot.kind)
    }

    fn slot(&self, index: u64) -> Option<Slot> {
        let at = usize::try_from(index.checked_sub(1)?).ok()?;
        self.index.read().slots.get(at).copied()
    }

    /// Reads one entry.
    ///
    /// # Errors
    /// [`StorageError::Absent`], [`StorageError::Damaged`] or [`StorageError::Io`].
    pub fn entry(&self, index: u64) -> Result<Record, StorageError> {
        let found = self.entries(index, index.saturating_add(1), 0)?.pop();
        found.ok_or(StorageError::Absent { index })
    }

    /// Reads the entries from `low` up to and without `high`, as many as have at most `bytes_max`
    /// bytes together, and at least one.
    ///
    /// # Errors
    /// [`StorageError::Absent`] when the first or last lies outside the log,
    /// [`StorageError::Damaged`] or [`StorageError::Io`].
    pub fn entries(&self, low: u64, high: u64, bytes_max: u64) -> Result<Vec<Record>, StorageError> {
        let mut records = Vec::new();
        for run in self.runs(low, high, bytes_max)? {
            let bytes = run.segment.read(run.offset, run.bytes)?;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let expected = low + as_u64(records.len());
                match record::read(rest) {
                    Found::Record { record, bytes, .. } if record.index == expected => {
                        let RecordRef { index, term, kind, data } = record;
                        records.push(Record { index, term, kind, data: data.to_vec() });
                        rest = rest.get(bytes..).unwrap_or_default();
                    }
                    other => {
                        let why = if let Found::Bad(why) = other { why } else { "a record is out of order" };
                        let offset = run.offset + as_u64(bytes.len() - rest.len());
                        return Err(StorageError::Damaged { path: run.segment.path.clone(), offset, why: why.into() });
                    }
                }
            }
        }
        Ok(records)
    }

    fn runs(&self, low: u64, high: u64, bytes_max: u64) -> Result<Vec<Run>, StorageError> {
        let index = self.index.read();
        let mut runs: Vec<Run> = Vec::new();
        let mut total = 0u64;
        for at in low..high {
            let slot = at.checked_sub(1).and_then(|at| index.slots.get(usize::try_from(at).ok()?));
            let slot = *slot.ok_or(StorageError::Absent { index: at })?;
            total += u64::from(slot.bytes);
            if total > bytes_max && !runs.is_empty() {
                break;
            }
            let segment = index.segments.get(slot.segment as usize).ok_or(StorageError::Absent { index: at })?;
            match runs.last_mut() {
                Some(run) if run.segment.first_index == segment.first_index => run.bytes += slot.bytes as usize,
                _ => runs.push(Run {
                    segment: segment.clone(),
                    offset: u64::from(slot.offset),
                    bytes: slot.bytes as usize,
                }),
            }
        }
        Ok(runs)
    }

    /// Appends entries. What stood from the first one's index on is removed durably before.
    ///
    /// # Errors
    /// [`StorageError::Refused`] when the entries do not follow one another or the log; after any
    /// other error the log takes no more and the process must end.
    pub fn append(&self, entries: &[RecordRef<'_>]) -> Result<(), StorageError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut writer = self.writer.lock();
        if writer.poisoned {
            return Err(StorageError::Poisoned);
        }
        self.check(entries)?;
        let written = if first.index <= self.last_index() { self.truncate(first.index, &mut writer) } else { Ok(()) }
            .and_then(|()| self.spent.0.count(|| self.write(entries, &mut writer)));
        writer.poisoned |= written.is_err();
        written
    }

    /// Waits until everything appended is on disk.
    ///
    /// # Errors
    /// [`StorageError::Io`]: nothing is known then about what lies on disk, the log takes no more
    /// and the process must end.
    pub fn sync(&self) -> Result<(), StorageError> {
        let mut writer = self.writer.lock();
        if writer.poisoned {
            return Err(StorageError::Poisoned);
        }
        let synced = self.spent.1.count(|| self.sync_last(&mut writer));
        writer.poisoned |= synced.is_err();
        synced
    }

    fn sync_last(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let last = self.index.read().segments.last().cloned();
        if let Some(segment) = last.filter(|_| writer.dirty) {
            segment.file.sync_data().map_err(StorageError::io(&segment.path, "syncing"))?;
        }
        writer.dirty = false;
        Ok(())
    }

    fn check(&self, entries: &[RecordRef<'_>]) -> Result<(), StorageError> {
        let mut expected = None;
        for entry in entries {
            let refused = |why| Err(StorageError::Refused { index: entry.index, why });
            if entry.data.len() > DATA_BYTES_MAX {
                return refused("it is too long");
            }
            match expected {
                None if entry.index == 0 || entry.index > self.last_index() + 1 => return refused("it leaves a gap"),
                Some(index) if entry.index != index => return refused("it does not follow the one before"),
                _ => expected = Some(entry.index + 1),
            }
        }
        Ok(())
    }

    /// Removes the entries from `index` on. Whatever step a crash interrupts, a beginning of the
    /// old log is left: files go from the last one down, and durably before the cut.
    fn truncate(&self, index: u64, writer: &mut Writer) -> Result<(), StorageError> {
        let mut state = self.index.write();
        let keep = usize::try_from(index - 1).unwrap_or(usize::MAX);
        let Some(slot) = state.slots.get(keep).copied() else { return Ok(()) };
        state.slots.truncate(keep);
        let segments_kept = slot.segment as usize + 1;
        if state.segments.len() > segments_kept {
            while state.segments.len() > segments_kept {
                if let Some(segment) = state.segments.pop() {
                    fs::remove_file(&segment.path).map_err(StorageError::io(&segment.path, "removing"))?;
                }
            }
            sync_directory(&self.dir)?;
        }
        if let Some(segment) = state.segments.last() {
            segment.cut(u64::from(slot.offset))?;
        }
        writer.end = u64::from(slot.offset);
        writer.dirty = false;
        Ok(())
    }

    fn write(&self, entries: &[RecordRef<'_>], writer: &mut Writer) -> Result<(), StorageError> {
        let mut buffer = Vec::new();
        let mut slots = Vec::new();
        for entry in entries {
            let bytes = HEADER_BYTES + entry.data.len();
            let end = writer.end + as_u64(buffer.len());
            let is_full = end > SEGMENT_HEADER_BYTES && end + as_u64(bytes) > self.segment_bytes;
            if is_full || self.index.read().segments.is_empty() {
                self.flush(&mut buffer, &mut slots, writer)?;
                self.sync_last(writer)?;
                let segment = Arc::new(Segment::create(&self.dir, entry.index)?);
                self.index.write().segments.push(segment);
                writer.end = SEGMENT_HEADER_BYTES;
            }
            let offset = writer.end + as_u64(buffer.len());
            let flags = if writer.dirty { 0 } else { AFTER_SYNC };
            writer.dirty = true;
            record::write(*entry, flags, &mut buffer);
            slots.push(Slot {
                segment: u32::try_from(self.index.read().segments.len().saturating_sub(1)).unwrap_or(u32::MAX),
                offset: u32::try_from(offset).unwrap_or(u32::MAX),
                bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
                kind: entry.kind,
                term: entry.term,
            });
        }
        self.flush(&mut buffer, &mut slots, writer)
    }

    /// Hands the buffered records to the system; from then on they can be read.
    fn flush(&self, buffer: &mut Vec<u8>, slots: &mut Vec<Slot>, writer: &mut Writer) -> Result<(), StorageError> {
        let last = self.index.read().segments.last().cloned();
        if let Some(segment) = last.filter(|_| !buffer.is_empty()) {
            segment.file.write_all_at(buffer, writer.end).map_err(StorageError::io(&segment.path, "writing"))?;
            writer.end += as_u64(buffer.len());
            buffer.clear();
            self.index.write().slots.append(slots);
        }
        Ok(())
    }
}

/// Reads all segments of a directory; answers the index and where the next record goes.
fn load(dir: &Path) -> Result<(Index, u64), StorageError> {
    let paths = segment_paths(dir)?;
    let mut index = Index::default();
    let mut end = SEGMENT_HEADER_BYTES;
    for (at, path) in paths.iter().enumerate() {
        let is_last = at + 1 == paths.len();
        let segment = match Segment::open(path)? {
            Some(segment) => segment,
            None if is_last => {
                // A crash came between creating the file and writing its header.
                fs::remove_file(path).map_err(StorageError::io(path, "removing"))?;
                sync_directory(dir)?;
                break;
            }
            None => {
                return Err(StorageError::Damaged {
                    path: path.clone(),
                    offset: 0,
                    why: "its header is missing".into(),
                });
            }
        };
        end = load_segment(&mut index, segment, is_last)?;
    }
    Ok((index, end))
}

fn load_segment(index: &mut Index, segment: Segment, is_last: bool) -> Result<u64, StorageError> {
    let damaged = |offset, why: &str| StorageError::Damaged { path: segment.path.clone(), offset, why: why.to_owned() };
    if segment.first_index != as_u64(index.slots.len()) + 1 {
        return Err(damaged(0, "it does not follow the segment before it"));
    }
    let contents = segment.contents(index.slots.last().map_or(0, |slot| slot.term))?;
    if let Some(why) = contents.fault {
        let bad = segment.first_index + as_u64(contents.places.len());
        if !is_last || segment.is_marked_durable_after(contents.end, bad)? {
            return Err(damaged(contents.end, why));
        }
        tracing::warn!(path = %segment.path.display(), offset = contents.end, why, "cutting what a crash tore off the ledger's end");
        segment.cut(contents.end)?;
    }
    let position = u32::try_from(index.segments.len()).unwrap_or(u32::MAX);
    index.slots.extend(contents.places.iter().map(|place| Slot {
        segment: position,
        offset: u32::try_from(place.offset).unwrap_or(u32::MAX),
        bytes: u32::try_from(place.bytes).unwrap_or(u32::MAX),
        kind: place.kind,
        term: place.term,
    }));
    index.segments.push(Arc::new(segment));
    Ok(contents.end)
}

pub(super) fn segment_paths(dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let listing = fs::read_dir(dir).map_err(StorageError::io(dir, "listing"))?;
    let mut paths = Vec::new();
    for item in listing {
        let path = item.map_err(StorageError::io(dir, "listing"))?.path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[path = "ledger_parts.rs"]
mod parts;
pub use parts::LedgerPart;

#[cfg(test)]
#[path = "ledger_log_tests.rs"]
mod tests;
