//! Tests of the configuration's form and faults.

use super::*;
use crate::crypto::keyring::Keyring;
use crate::crypto::secret::Secret;
use crate::crypto::sign::Algorithm;

const TEXT: &str = r#"
version = 1
department = "tax"
[web]
listen = "127.0.0.1:8401"
[peer]
listen = "127.0.0.1:8501"
[raft]
listen = "127.0.0.1:8601"
[[nodes]]
department = "tax"
node_id = 1
raft = "127.0.0.1:8601"
peer = "127.0.0.1:8501"
web = "http://127.0.0.1:8401"
"#;

fn faults(text: &str) -> Vec<String> {
    let config = NodeConfig::parse(text, Path::new("/nonexistent")).unwrap();
    match config.check() {
        Err(ConfigError::Faults(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_said_has_documented_defaults() {
    let config = NodeConfig::parse(TEXT, Path::new("/srv/tax")).unwrap();
    assert_eq!(config.data_dir, Path::new("/srv/tax/data"));
    assert_eq!(config.tls.key, Path::new("/srv/tax/tls/node-key.pem"));
    assert_eq!(config.web.public_url(), "http://127.0.0.1:8401");
    assert!(!config.web.cookie_secure());
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Json, "info"));
    assert_eq!((config.limits.query_timeout_ms, config.limits.disk_reserve_mb), (10_000, 512));
    let open = NodeConfig::parse(&TEXT.replacen("127.0.0.1:8401", "0.0.0.0:8401", 1), Path::new("/")).unwrap();
    assert!(open.web.cookie_secure());
    let elsewhere = TEXT.replacen("version = 1", "version = 1\ndata_dir = \"/var/mulu\"", 1);
    assert_eq!(NodeConfig::parse(&elsewhere, Path::new("/srv")).unwrap().data_dir, Path::new("/var/mulu"));
}

#[test]
fn unknown_keys_and_versions_are_errors_that_name_the_place() {
    for (from, to) in [
        ("version = 1", "version = 2"),
        ("version = 1", "version = 1\nverbose = true"),
        ("listen = \"127.0.0.1:8401\"", "listen = \"127.0.0.1\""),
        ("[peer]", "[peers]"),
        ("department = \"tax\"", "department = \"Tax Office\""),
        ("node_id = 1", "node_id = -1"),
    ] {
        assert!(NodeConfig::parse(&TEXT.replacen(from, to, 1), Path::new("/")).is_err(), "{to} passed");
    }
    let why = NodeConfig::parse(&TEXT.replacen("node_id", "nodeid", 1), Path::new("/")).unwrap_err();
    assert!(why.contains("nodeid") && why.contains("line"), "{why}");
}

#[test]
fn all_faults_are_told_at_once() {
    let wrong = TEXT
        .replacen("department = \"tax\"", "department = \"water\"", 1)
        .replacen("127.0.0.1:8501", "127.0.0.1:8401", 1)
        .replacen("raft = \"127.0.0.1:8601\"", "raft = \"nowhere\"", 1)
        .replacen("web = \"http://127.0.0.1:8401\"", "web = \"ftp://x\"", 1)
        + "[limits]\nquery_timeout_ms = 0\ndisk_reserve_mb = 0\n";
    let faults = faults(&wrong);
    for part in [
        "peer.listen: port 8401 is web.listen's",
        "`water` is none of",
        "tax.raft: `nowhere` is not host:port",
        "tax.web: `ftp://x`",
        "limits.query_timeout_ms",
        "limits.disk_reserve_mb",
        "tls.ca",
        "tls.key",
        "keys_dir",
        "departments_dir",
        "genesis",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(part)), "{part} is not told: {faults:#?}");
    }
}

#[test]
fn two_nodes_share_no_number_name_or_address() {
    let node = TEXT.split_once("[[nodes]]").unwrap().1;
    let faults = faults(&format!("{TEXT}[[nodes]]{node}"));
    for part in ["node_id 1", "department tax", "127.0.0.1:8601", "127.0.0.1:8501"] {
        assert!(faults.iter().any(|fault| fault.contains(&format!("{part} is there already"))), "{part}: {faults:#?}");
    }
}

#[test]
fn a_key_that_others_can_read_is_a_fault() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    Keyring::generate(Algorithm::Ed25519).unwrap().save(&dir.path().join("keys"), None).unwrap();
    let path = dir.path().join("keys/signing.pem");
    let told = || {
        let config = NodeConfig::parse(TEXT, dir.path()).unwrap();
        let Err(ConfigError::Faults(faults)) = config.check() else { panic!() };
        faults.iter().any(|fault| fault.contains("signing.pem"))
    };
    assert!(!told());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(told());
}

#[test]
fn what_is_wrong_with_the_secret_of_the_keys_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let own = Secret::create_key_file(&dir.path().join("own")).unwrap();
    Secret::create_key_file(&dir.path().join("other")).unwrap();
    Keyring::generate(Algorithm::Sm2).unwrap().save(&dir.path().join("keys"), Some(&own)).unwrap();
    let tls = dir.path().join("tls");
    crate::crypto::ca::CityAuthority::create("City", crate::clock::Millis(1_795_000_000_000))
        .and_then(|city| city.issue(&"tax".parse().unwrap(), &[], crate::clock::Millis(1_795_000_000_000)))
        .and_then(|certificate| certificate.locked(&own))
        .and_then(|certificate| certificate.save(&tls))
        .unwrap();
    crate::crypto::pem::write_secret(&dir.path().join("short"), "short\n").unwrap();
    let told = |keys: &str| {
        let text = TEXT.replacen("[web]", &format!("{keys}\n[web]"), 1);
        let Err(ConfigError::Faults(faults)) = NodeConfig::parse(&text, dir.path()).unwrap().check() else { panic!() };
        faults.into_iter().filter(|fault| fault.starts_with("keys") || fault.starts_with("tls")).collect::<Vec<_>>()
    };
    assert_eq!(told("[keys]\nkey_file = \"own\""), Vec::<String>::new());
    for (keys, why) in [
        ("", "no secret is named"),
        ("[keys]\nkey_file = \"other\"", "does not open"),
        ("[keys]\nkey_file = \"absent\"", "absent"),
        ("[keys]\nkey_file = \"short\"", "short"),
        ("[keys]\nkey_file = \"own\"\npassphrase_file = \"own\"", "keep one"),
    ] {
        let faults = told(keys);
        assert!(matches!(faults.as_slice(), [fault] if fault.contains(why)), "{keys}: {faults:?}");
    }
    std::fs::set_permissions(dir.path().join("own"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let faults = told("[keys]\nkey_file = \"own\"");
    assert!(
        matches!(faults.as_slice(), [fault] if fault.contains("keys.key_file") && fault.contains("mode 644")),
        "{faults:?}"
    );
}

#[test]
fn the_environment_s_passphrase_is_for_a_configuration_that_names_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("own");
    Secret::create_key_file(&file).unwrap();
    let variable = || Some(zeroize::Zeroizing::new("correct horse battery".to_owned()));
    let keys = KeysConfig::default();
    assert!(keys.secret_or(None).unwrap().is_none());
    assert!(keys.secret_or(variable()).unwrap().is_some());
    assert!(keys.secret_or(Some(zeroize::Zeroizing::new("short".into()))).is_err());
    let named = KeysConfig { key_file: Some(dir.path().join("absent")), passphrase_file: None };
    assert!(named.secret_or(variable()).is_err(), "a file that is not there is passed over");
}

#[test]
fn a_credential_of_the_service_manager_may_show_its_access_list_as_the_group() {
    let folder = Path::new("/run/credentials/mulu@tax.service");
    let bits = |path: &str| super::check::bits_of_others(Path::new(path), Some(folder));
    assert_eq!(bits("/run/credentials/mulu@tax.service/key"), 0o007);
    assert_eq!(bits("/run/credentials/mulu@tax.service.else/key"), 0o077);
    assert_eq!(super::check::bits_of_others(Path::new("/run/credentials/mulu@tax.service/key"), None), 0o077);
}
