//! Tests of a department's key files.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn keys_survive_their_files_and_only_the_owner_reads_them() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Sm2] {
        let dir = tempfile::tempdir().unwrap();
        let secret = Secret::create_key_file(&dir.path().join("x.secret")).unwrap();
        for (name, secret) in [("plain", None), ("encrypted", Some(&secret))] {
            let folder = dir.path().join(name);
            let keys = Keyring::generate(algorithm).unwrap();
            keys.save(&folder, secret).unwrap();
            let loaded = Keyring::load(&folder, secret).unwrap();
            assert_eq!(loaded.signing.public(), keys.signing.public());
            assert_eq!(loaded.sealing.public(), keys.sealing.public());
            for file in [SIGNING_FILE, SEALING_FILE] {
                let mode = std::fs::metadata(folder.join(file)).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }
            assert!(keys.save(&folder, secret).is_err());
        }
        assert!(Keyring::load(&dir.path().join("elsewhere"), None).is_err());
    }
}

#[test]
fn a_secret_and_its_keys_belong_together() {
    let dir = tempfile::tempdir().unwrap();
    let secret = |name: &str| Secret::create_key_file(&dir.path().join(name)).unwrap();
    let (own, other) = (secret("own"), secret("other"));
    let keys = Keyring::generate(Algorithm::Ed25519).unwrap();
    keys.save(&dir.path().join("plain"), None).unwrap();
    keys.save(&dir.path().join("encrypted"), Some(&own)).unwrap();
    for (folder, secret, why) in [
        ("plain", Some(&own), "not encrypted"),
        ("encrypted", Some(&other), "does not open"),
        ("encrypted", None, "no secret"),
    ] {
        let said = Keyring::load(&dir.path().join(folder), secret).err().unwrap().to_string();
        assert!(said.contains(why) && said.contains(SIGNING_FILE), "{said}");
    }
}

#[test]
fn a_key_of_another_kind_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Keyring::generate(Algorithm::Ed25519).unwrap().save(dir.path(), None).unwrap();
    std::fs::copy(dir.path().join(SEALING_FILE), dir.path().join(SIGNING_FILE)).unwrap();
    assert!(matches!(Keyring::load(dir.path(), None), Err(CryptoError::Key(why)) if why.contains("another kind")));
}
