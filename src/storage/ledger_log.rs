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

use super::data_dir::{DirectoryLock, sync_directory};
use super::log_scan;
use super::record::{self, AFTER_SYNC, DATA_BYTES_MAX, Found, HEADER_BYTES, Record, RecordRef};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, as_u64};
use super::{StorageError, archive};

/// A segment is closed before it grows beyond this many bytes.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Where an entry lies; 24 bytes each, kept in memory for every entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) segment: u32,
    pub(super) offset: u32,
    pub(super) bytes: u32,
    pub(super) kind: u8,
    pub(super) term: u64,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) segments: Vec<Arc<Segment>>,
    /// The slot of entry `i` is at `i - 1`: the log begins with entry 1 and is never compacted.
    pub(super) slots: Vec<Slot>,
}

/// A file of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Index of its first entry.
    pub first_index: u64,
    /// Index of its last entry, which is below the first one where it has none.
    pub last_index: u64,
    /// Whether it was moved to an archive.
    pub is_archived: bool,
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
        let (index, end) = log_scan::load(dir)?;
        if let Some(last) = index.segments.last() {
            // A killed process may have left records that are readable and yet not on disk.
            last.file()?.sync_data().map_err(StorageError::io(&last.path, "syncing"))?;
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

    /// The files of the ledger in their order. Only the last is written to.
    pub fn segments(&self) -> Vec<SegmentFile> {
        let index = self.index.read();
        let firsts = index.segments.iter().map(|segment| segment.first_index);
        let ends = firsts.skip(1).chain(std::iter::once(as_u64(index.slots.len()) + 1));
        let files = index.segments.iter().zip(ends).map(|(segment, end)| SegmentFile {
            path: segment.path.clone(),
            first_index: segment.first_index,
            last_index: end.saturating_sub(1),
            is_archived: segment.is_archived(),
        });
        files.collect()
    }

    /// Where the segment of an entry should be, when it was moved to an archive that is not at hand.
    pub fn out_of_reach(&self, index: u64) -> Option<PathBuf> {
        let slot = self.slot(index)?;
        let segment = self.index.read().segments.get(slot.segment as usize).cloned()?;
        (segment.is_archived() && !segment.path.exists()).then(|| segment.path.clone())
    }

    /// Moves a closed segment to another folder, from where it is read while that is at hand. A crash loses nothing, and
    /// what was begun may be repeated.
    ///
    /// # Errors
    /// [`StorageError::Absent`] when no closed segment in this folder begins with the index; otherwise what failed, and
    /// then the segment is where it was.
    pub fn archive(&self, first_index: u64, to: &Path) -> Result<(), StorageError> {
        let found = {
            let index = self.index.read();
            let at = index.segments.iter().position(|segment| segment.first_index == first_index);
            at.filter(|at| at + 1 < index.segments.len()).and_then(|at| Some((at, index.segments.get(at)?.clone())))
        };
        let found = found.filter(|(_, segment)| !segment.is_archived());
        let (at, segment) = found.ok_or(StorageError::Absent { index: first_index })?;
        let archived = archive::archive(&self.dir, &segment, to)?;
        if let Some(place) = self.index.write().segments.get_mut(at) {
            *place = Arc::new(Segment::archived(archived.path, first_index));
        }
        Ok(())
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
            segment.file()?.sync_data().map_err(StorageError::io(&segment.path, "syncing"))?;
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
            segment.file()?.write_all_at(buffer, writer.end).map_err(StorageError::io(&segment.path, "writing"))?;
            writer.end += as_u64(buffer.len());
            buffer.clear();
            self.index.write().slots.append(slots);
        }
        Ok(())
    }
}

#[path = "ledger_parts.rs"]
mod parts;
pub use parts::LedgerPart;

#[cfg(test)]
#[path = "ledger_log_tests.rs"]
mod tests;
