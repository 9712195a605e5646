//! Takes a backup apart: every file to its place, measured against the manifest.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::crypto::digest::sm3;

use super::CopyError;
use super::archive::{FilePart, MANIFEST, MANIFEST_BYTES_MAX, Manifest, Measured, SEAL, VERSION, is_known};

/// More files than this are in no backup.
const FILES_MAX: usize = 1_000_000;
/// More than the digits of a digest.
const SEAL_BYTES_MAX: u64 = 128;

/// Reads a backup to its end. With a folder, each file is written below it, readable by its owner alone.
///
/// # Errors
/// [`CopyError::NotValid`] for what is no backup, was cut or changed; [`CopyError::Io`].
pub(super) fn unpack(file: &Path, into: Option<&Path>) -> Result<Manifest, CopyError> {
    let open = File::open(file).map_err(CopyError::io(file))?;
    let wrong = |why: &str| CopyError::NotValid(format!("{}: {why}", file.display()));
    let mut tar = tar::Archive::new(io::BufReader::with_capacity(1024 * 1024, open));
    let mut found: Vec<FilePart> = Vec::new();
    let (mut manifest, mut seal) = (None, None);
    // An archive that is none fails at its first entry.
    let entries = tar.entries().map_err(|_| wrong("it is no backup"))?;
    for entry in entries {
        let mut entry = entry.map_err(|_| wrong("it is no backup, or was cut"))?;
        if seal.is_some() || found.len() >= FILES_MAX {
            return Err(wrong("it goes on after its end, or has too many files"));
        }
        let path = entry.path_bytes();
        let path = String::from_utf8(path.into_owned()).map_err(|_| wrong("it holds a file that no backup has"))?;
        if path == MANIFEST {
            manifest = Some(small(&mut entry, MANIFEST_BYTES_MAX).map_err(|_| wrong("its manifest was cut"))?);
        } else if path == SEAL {
            seal = Some(small(&mut entry, SEAL_BYTES_MAX).map_err(|_| wrong("its manifest was cut"))?);
        } else if entry.header().entry_type().is_file() && is_known(&path) {
            found.push(take(&mut entry, &path, into, file)?);
        } else {
            return Err(wrong(&format!("it holds `{path}`, which no backup has")));
        }
    }
    let cut = || wrong("it has no manifest: it was cut, or is no backup of this program");
    let (text, seal) = manifest.zip(seal).ok_or_else(cut)?;
    if seal != sm3(&[&text]).to_string().into_bytes() {
        return Err(wrong("its manifest is damaged"));
    }
    let manifest = read_manifest(&text).map_err(|why| wrong(&why))?;
    manifest.check(&found).map_err(|why| wrong(&why))?;
    Ok(manifest)
}

fn small(entry: &mut impl Read, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_manifest(text: &[u8]) -> Result<Manifest, String> {
    let version = serde_json::from_slice::<serde_json::Value>(text).ok();
    let version = version.and_then(|value| value.get("version")?.as_u64());
    if version != Some(u64::from(VERSION)) {
        return Err(format!("its form is not {VERSION}: read it with the program that made it"));
    }
    serde_json::from_slice(text).map_err(|why| format!("its manifest cannot be read: {why}"))
}

fn take(entry: &mut impl Read, path: &str, into: Option<&Path>, file: &Path) -> Result<FilePart, CopyError> {
    let mut from = Measured::new(entry);
    let cut = |cause: io::Error| match cause.kind() {
        io::ErrorKind::UnexpectedEof => CopyError::NotValid(format!("{} was cut in {path}", file.display())),
        _ => CopyError::Io { path: path.into(), cause },
    };
    let Some(dir) = into else {
        io::copy(&mut from, &mut io::sink()).map_err(cut)?;
        return Ok(from.part(path));
    };
    let to = dir.join(path);
    let parent = to.parent().unwrap_or(dir);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(CopyError::io(parent))?;
    let mut out = fs::OpenOptions::new();
    let mut out = out.write(true).create_new(true).mode(0o600).open(&to).map_err(CopyError::io(&to))?;
    io::copy(&mut from, &mut out).map_err(cut)?;
    out.flush().map_err(CopyError::io(&to))?;
    Ok(from.part(path))
}

#[cfg(test)]
mod tests {
    use super::super::archive::{LedgerExtent, Writer};
    use super::*;
    use crate::clock::Millis;
    use crate::crypto::digest::Hash;

    fn backup(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes, Millis(1_000));
        for (path, content) in files {
            out.add(path, content.len() as u64, *content).unwrap();
        }
        let zero = Hash([0; 32]);
        let manifest = Manifest {
            version: VERSION,
            program: "0".into(),
            chain: "mulu-1".into(),
            department: "tax".parse().unwrap(),
            number: 3,
            time: Millis(1_000),
            ledger: LedgerExtent { entries: 1, size: 1, root: zero, state: zero },
            keys_encrypted: true,
            files: vec![],
        };
        out.finish(manifest).unwrap();
        bytes
    }

    fn open(bytes: &[u8], into: Option<&Path>) -> Result<Manifest, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("backup");
        fs::write(&file, bytes).unwrap();
        unpack(&file, into).map_err(|why| why.to_string())
    }

    const FILES: [(&str, &[u8]); 3] = [
        ("node.toml", b"version = 1"),
        ("data/ledger/00000000000000000001.seg", &[7; 3000]),
        ("keys/signing.pem", b"k"),
    ];

    #[test]
    fn what_was_written_is_what_comes_out_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let into = tempfile::tempdir().unwrap();
        let manifest = open(&backup(&FILES), Some(into.path())).unwrap();
        assert_eq!((manifest.number, manifest.files.len()), (3, 3));
        for (path, content) in FILES {
            let path = into.path().join(path);
            assert_eq!(fs::read(&path).unwrap(), content);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let whole = backup(&FILES);
        let at = |text: &[u8]| whole.windows(text.len()).position(|window| window == text).unwrap();
        let number = at(b"\"number\": 3") + 10;
        for at in [at(b"version = 1"), at(&[7; 100]) + 900, number, at(b"keys/signing.pem"), at(b"manifest.sm3") + 513]
        {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(open(&changed, None).is_err(), "byte {at}");
        }
        for end in (0..whole.len() - 1_024).step_by(511) {
            let why = open(&whole[..end], None).unwrap_err();
            assert!(why.starts_with("NOT VALID"), "cut at {end}: {why}");
        }
    }

    #[test]
    fn nothing_is_written_outside_of_the_folder_or_under_strange_names() {
        for path in ["secret/keys.secret", "data/store/db", "data/ledger/../../x", "keys/a b", "passwd"] {
            let mut bytes = Vec::new();
            let mut tar = tar::Builder::new(&mut bytes);
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(0);
            header.set_cksum();
            tar.append(&header, &[][..]).unwrap();
            tar.finish().unwrap();
            drop(tar);
            let into = tempfile::tempdir().unwrap();
            let why = open(&bytes, Some(into.path())).unwrap_err();
            assert!(why.contains("which no backup has"), "{path}: {why}");
            assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
        }
        assert!(open(b"no tar at all", None).unwrap_err().starts_with("NOT VALID"));
    }
}
