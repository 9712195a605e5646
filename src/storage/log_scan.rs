//! Reading a whole log at start: every record of every segment under its checksum, on all cores.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use super::StorageError;
use super::archive::{self, Archived, Lies};
use super::data_dir::sync_directory;
use super::ledger_log::{Index, Slot};
use super::segment::{Contents, SEGMENT_HEADER_BYTES, Segment, as_u64};

/// A thread more would wait for the disk, not for the checksums.
const THREADS_MAX: usize = 8;

/// Reads all segments of a directory; answers the index and where the next record goes.
pub(super) fn load(dir: &Path) -> Result<(Index, u64), StorageError> {
    let segments = open_all(dir)?;
    let scanned = scan(&segments)?;
    let mut index = Index::default();
    let mut end = SEGMENT_HEADER_BYTES;
    let count = segments.len();
    for (at, (segment, contents)) in segments.into_iter().map(|(segment, _)| segment).zip(scanned).enumerate() {
        end = add(&mut index, segment, contents, at + 1 == count)?;
    }
    Ok((index, end))
}

/// What an index file said of a segment's contents, where it lies in an archive.
type Known = Mutex<Option<Contents>>;

fn open_all(dir: &Path) -> Result<Vec<(Segment, Known)>, StorageError> {
    let places = archive::places(dir)?;
    let count = places.len();
    let mut segments = Vec::with_capacity(count);
    for (at, place) in places.into_iter().enumerate() {
        let path = match place {
            Lies::Here(path) => path,
            Lies::Elsewhere(index) => {
                let Archived { path, first_index, contents, .. } = Archived::open(&index)?;
                segments.push((Segment::archived(path, first_index), Mutex::new(Some(contents))));
                continue;
            }
        };
        match Segment::open(&path)? {
            Some(segment) => segments.push((segment, Mutex::default())),
            None if at + 1 == count => {
                // A crash came between creating the file and writing its header.
                std::fs::remove_file(&path).map_err(StorageError::io(&path, "removing"))?;
                sync_directory(dir)?;
            }
            None => return Err(StorageError::Damaged { path, offset: 0, why: "its header is missing".into() }),
        }
    }
    Ok(segments)
}

/// The contents of every segment, each read by whichever thread is free.
fn scan(segments: &[(Segment, Known)]) -> Result<Vec<Contents>, StorageError> {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS_MAX);
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
    thread::scope(|scope| {
        for _ in 0..threads.min(segments.len()) {
            scope.spawn(|| {
                while let Some((segment, known)) = segments.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !segment.is_archived() {
                        match segment.contents() {
                            Ok(contents) => *known.lock() = Some(contents),
                            Err(error) => *failed.lock() = Some(error),
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        Some(error) => Err(error),
        None => Ok(segments.iter().filter_map(|(_, known)| known.lock().take()).collect()),
    }
}

fn add(index: &mut Index, segment: Segment, contents: Contents, is_last: bool) -> Result<u64, StorageError> {
    let damaged = |offset, why: &str| StorageError::Damaged { path: segment.path.clone(), offset, why: why.to_owned() };
    if segment.first_index != as_u64(index.slots.len()) + 1 {
        return Err(damaged(0, "it does not follow the segment before it"));
    }
    let terms = index.slots.last().map(|slot| slot.term).zip(contents.places.first().map(|place| place.term));
    if terms.is_some_and(|(before, after)| after < before) {
        return Err(damaged(SEGMENT_HEADER_BYTES, "a record is out of order"));
    }
    if let Some(why) = contents.fault {
        let bad = segment.first_index + as_u64(contents.places.len());
        if !is_last || segment.is_marked_durable_after(contents.end, bad)? {
            return Err(damaged(contents.end, why));
        }
        tracing::warn!(path = %segment.path.display(), offset = contents.end, why, "cutting what a crash tore off the ledger's end");
        segment.cut(contents.end)?;
    }
    if segment.is_archived() && is_last {
        return Err(damaged(0, "it was archived, and nothing follows it here"));
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
