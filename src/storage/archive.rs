//! Closed segments that lie elsewhere: moved so that no crash loses one, and remembered by a small index file.
//!
//! Form of an index file, `ledger/archived/<first index>.idx`: `MULUIDX1`; the folder where the segment is (2 bytes
//! length, text), length of the segment file (8), its SM3 (32), index of its first record (8), number of records (8);
//! then for each record its length with header (4), term (8) and kind (1); CRC-32 of all before (4). Numbers are big
//! endian. With it the log's index needs no segment at hand.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::crypto::digest::{Hash, sm3};

use super::StorageError;
use super::data_dir::sync_directory;
use super::segment::{Contents, Place, SEGMENT_HEADER_BYTES, Segment, as_u64};
use super::whole_file;

const MAGIC: &[u8; 8] = b"MULUIDX1";
const DIR: &str = "archived";
/// A segment of 64 MiB holds at most so many records; their index takes 33 MiB then.
const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What an index file says of a segment that lies elsewhere.
pub(super) struct Archived {
    pub(super) path: PathBuf,
    pub(super) first_index: u64,
    pub(super) contents: Contents,
    bytes: u64,
    digest: Hash,
}

/// A file of the ledger, by name: in the ledger's own folder, or known by its index file alone.
pub(super) enum Lies {
    /// A segment file of the ledger's folder.
    Here(PathBuf),
    /// The index file of one that was moved.
    Elsewhere(PathBuf),
}

impl Lies {
    /// The file by which it is known here.
    pub(super) fn path(&self) -> &Path {
        let (Self::Here(path) | Self::Elsewhere(path)) = self;
        path
    }
}

/// All segments of a ledger in their order, wherever they lie. One that is still here counts as here: a crash came
/// before its removal.
pub(super) fn places(dir: &Path) -> Result<Vec<Lies>, StorageError> {
    let mut found = std::collections::BTreeMap::new();
    for path in with_extension(&dir.join(DIR), "idx")? {
        found.insert(path.file_stem().map(ToOwned::to_owned), Lies::Elsewhere(path));
    }
    for path in with_extension(dir, "seg")? {
        found.insert(path.file_stem().map(ToOwned::to_owned), Lies::Here(path));
    }
    Ok(found.into_values().collect())
}

fn with_extension(dir: &Path, wanted: &str) -> Result<Vec<PathBuf>, StorageError> {
    let listing = match fs::read_dir(dir) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && wanted == "idx" => return Ok(Vec::new()),
        listing => listing.map_err(StorageError::io(dir, "listing"))?,
    };
    let mut paths = Vec::new();
    for item in listing {
        let path = item.map_err(StorageError::io(dir, "listing"))?.path();
        if path.extension().is_some_and(|extension| extension == wanted) {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Moves a closed segment to another folder: copied, synced, read again and compared, noted here, and only then removed
/// here. May be repeated after a crash at any point.
pub(super) fn archive(ledger: &Path, segment: &Segment, to: &Path) -> Result<Archived, StorageError> {
    let to = std::path::absolute(to).map_err(StorageError::io(to, "naming"))?;
    fs::create_dir_all(&to).map_err(StorageError::io(&to, "creating the directory"))?;
    let name = Segment::file_name(segment.first_index);
    let (target, unfinished) = (to.join(&name), to.join(format!("{name}.unfinished")));
    let bytes = fs::read(&segment.path).map_err(StorageError::io(&segment.path, "reading"))?;
    let digest = sm3(&[&bytes]);
    let mut file = File::create(&unfinished).map_err(StorageError::io(&unfinished, "creating"))?;
    file.write_all(&bytes).map_err(StorageError::io(&unfinished, "writing"))?;
    file.sync_all().map_err(StorageError::io(&unfinished, "syncing"))?;
    fs::rename(&unfinished, &target).map_err(StorageError::io(&target, "renaming"))?;
    sync_directory(&to)?;
    let damaged = |why: &str| StorageError::Damaged { path: target.clone(), offset: 0, why: why.into() };
    let copy = Segment::open(&target)?.ok_or_else(|| damaged("its header is missing"))?;
    let contents = copy.contents()?;
    if let Some(why) = contents.fault {
        return Err(StorageError::Damaged { path: target, offset: contents.end, why: why.into() });
    }
    let again = fs::read(&target).map_err(StorageError::io(&target, "reading"))?;
    if sm3(&[&again]) != digest {
        return Err(damaged("it is not what was copied"));
    }
    let archived =
        Archived { path: target, first_index: segment.first_index, contents, bytes: as_u64(bytes.len()), digest };
    whole_file::replace(&index_path(ledger, segment.first_index), &archived.encode(&to)?)?;
    sync_directory(ledger)?;
    fs::remove_file(&segment.path).map_err(StorageError::io(&segment.path, "removing"))?;
    sync_directory(ledger)?;
    Ok(archived)
}

fn index_path(ledger: &Path, first_index: u64) -> PathBuf {
    ledger.join(DIR).join(Segment::file_name(first_index)).with_extension("idx")
}

impl Archived {
    fn encode(&self, dir: &Path) -> Result<Vec<u8>, StorageError> {
        let text = dir.to_str().and_then(|text| Some((text, u16::try_from(text.len()).ok()?)));
        let (text, length) = text.ok_or_else(|| StorageError::io(dir, "naming")(std::io::Error::other("not UTF-8")))?;
        let mut bytes = [MAGIC.as_slice(), &length.to_be_bytes(), text.as_bytes(), &self.bytes.to_be_bytes()].concat();
        bytes.extend_from_slice(&self.digest.0);
        bytes.extend_from_slice(&self.first_index.to_be_bytes());
        bytes.extend_from_slice(&as_u64(self.contents.places.len()).to_be_bytes());
        for place in &self.contents.places {
            bytes.extend_from_slice(&u32::try_from(place.bytes).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(&place.term.to_be_bytes());
            bytes.push(place.kind);
        }
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        Ok(bytes)
    }

    /// Reads an index file.
    pub(super) fn open(path: &Path) -> Result<Self, StorageError> {
        let length = fs::metadata(path).map_err(StorageError::io(path, "measuring"))?.len();
        let bytes = if length > INDEX_BYTES_MAX {
            Vec::new()
        } else {
            fs::read(path).map_err(StorageError::io(path, "reading"))?
        };
        let damaged = || StorageError::Damaged { path: path.to_owned(), offset: 0, why: "it is no index".into() };
        let archived = Self::decode(&bytes).ok_or_else(damaged)?;
        let named = path.file_stem().zip(archived.path.file_stem()).is_some_and(|(one, other)| one == other);
        if named { Ok(archived) } else { Err(damaged()) }
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (length, rest) = body.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
        let (dir, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (digest, rest) = rest.split_first_chunk::<32>()?;
        let (first_index, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (records, tail) = rest.as_chunks::<13>();
        if !tail.is_empty() || as_u64(records.len()) != u64::from_be_bytes(*count) {
            return None;
        }
        let mut contents = Contents { places: Vec::new(), end: SEGMENT_HEADER_BYTES, fault: None };
        for [b0, b1, b2, b3, term @ .., kind] in records {
            let bytes = usize::try_from(u32::from_be_bytes([*b0, *b1, *b2, *b3])).ok()?;
            let term = u64::from_be_bytes(term.as_slice().try_into().ok()?);
            contents.places.push(Place { offset: contents.end, bytes, term, kind: *kind });
            contents.end = contents.end.checked_add(as_u64(bytes))?;
        }
        let (bytes, first_index) = (u64::from_be_bytes(*length), u64::from_be_bytes(*first_index));
        if contents.end != bytes || first_index == 0 {
            return None;
        }
        let path = Path::new(std::str::from_utf8(dir).ok()?).join(Segment::file_name(first_index));
        Some(Self { path, first_index, contents, bytes, digest: Hash(*digest) })
    }
}

/// The segment files of a ledger's own folder, in their order.
#[cfg(test)]
pub(super) fn segment_paths(dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let mut paths = with_extension(dir, "seg")?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
