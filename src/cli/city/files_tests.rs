//! Tests of a new city: its nodes could start, and nobody holds what is not theirs.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command as Process;

use super::*;
use crate::cli::city::algorithms::Suite;
use crate::cli::city::{Algorithms, choose, ports};
use crate::clock::{Clock as _, SystemClock};
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::Algorithm;
use crate::crypto::tls::TlsFiles;
use crate::service::config::{NodeConfig, read_genesis};
use crate::service::departments::load;
use crate::state::State;

fn city(out: &Path) -> Result<String, CliError> {
    city_of(out, Suite::Standard, HashAlgorithm::Sm3)
}

fn city_of(out: &Path, suite: Suite, hash: HashAlgorithm) -> Result<String, CliError> {
    let departments = Path::new(env!("CARGO_MANIFEST_DIR")).join("departments");
    let all = load(&departments).unwrap().departments.into_iter().map(|folder| folder.file).collect();
    let chosen = choose(all, &["tax".parse().unwrap()]).unwrap();
    let ports = ports::from_base(8401, chosen.len()).unwrap();
    let plan = Plan::new(chosen, None, "127.0.0.1", ports, Algorithms { suite, hash }).unwrap();
    make(&plan, Text { zh: "市".into(), en: "City".into() }, &departments, out, SystemClock.now())
}

#[test]
fn every_node_of_a_new_city_could_start() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("city");
    let chain = city(&out).unwrap();
    for (department, port) in [("data-bureau", 8401), ("tax", 8402), ("audit", 8403)] {
        let config = NodeConfig::load(&out.join(department).join(CONFIG_FILE)).unwrap();
        config.check().unwrap();
        assert_eq!((config.web.listen.port(), config.nodes.len()), (port, 3));
        let tx = Transaction::decode(&fs::read(&config.genesis).unwrap()).unwrap();
        let mut state = State::new();
        assert_eq!(state.apply(&tx, SystemClock.now(), true).result, Ok(()));
        assert_eq!((state.chain(), state.departments().filter(|d| d.voter).count()), (chain.as_str(), 3));
        let files = config.tls_files().unwrap();
        let mut verify = Process::new("openssl");
        verify.args(["verify", "-x509_strict", "-verify_hostname"]).arg(format!("{department}.mulu.internal"));
        verify.arg("-CAfile").arg(out.join("authority/ca.pem")).arg(&files.cert);
        if let Ok(output) = verify.output() {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let trust: TrustPolicy = toml::from_str(&fs::read_to_string(out.join(TRUST_FILE)).unwrap()).unwrap();
    assert_eq!((trust.chain(), trust.departments().len()), (chain.as_str(), 3));
    let two = trust.departments().keys().take(2).cloned().collect();
    let one = trust.departments().keys().take(1).cloned().collect();
    assert!(trust.fulfilled(&two).is_ok() && trust.fulfilled(&one).is_err());
}

#[test]
fn nodes_on_machines_of_their_own_listen_in_one_place_and_are_reached_at_another() {
    let departments = Path::new(env!("CARGO_MANIFEST_DIR")).join("departments");
    let all = load(&departments).unwrap().departments.into_iter().map(|folder| folder.file).collect();
    let chosen = choose(all, &["tax".parse().unwrap()]).unwrap();
    let ports = ports::from_base(8401, chosen.len()).unwrap();
    let mut plan = Plan::new(chosen, None, "{department}.city.example", ports, Algorithms::default()).unwrap();
    plan.listen = Some("0.0.0.0".parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("city");
    make(&plan, Text { zh: "市".into(), en: "City".into() }, &departments, &out, SystemClock.now()).unwrap();
    let config = NodeConfig::load(&out.join("tax").join(CONFIG_FILE)).unwrap();
    config.check().unwrap();
    assert_eq!(config.raft.listen.to_string(), "0.0.0.0:8602");
    assert_eq!(config.web.public_url(), "http://tax.city.example:8402");
    let audit = config.node(&"audit".parse().unwrap()).unwrap();
    assert_eq!((audit.raft.as_str(), audit.peer.as_str()), ("audit.city.example:8603", "audit.city.example:8503"));
}

#[test]
fn keys_are_private_and_a_city_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("city");
    city(&out).unwrap();
    for (path, mode) in [
        ("authority/ca-key.pem", 0o600),
        ("tax/keys/signing.pem", 0o600),
        ("tax/secret", 0o700),
        ("tax/secret/keys.secret", 0o600),
        ("tax/tls/node-key.pem", 0o600),
        ("tax/data", 0o700),
    ] {
        assert_eq!(fs::metadata(out.join(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
    let before = fs::read(out.join(GENESIS_FILE)).unwrap();
    assert!(matches!(city(&out), Err(CliError::Usage(why)) if why.contains("not empty")));
    assert_eq!(fs::read(out.join(GENESIS_FILE)).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something is left beside the city");
}

#[test]
fn a_suite_is_in_the_keys_the_genesis_and_the_files() {
    let dir = tempfile::tempdir().unwrap();
    for (name, suite, hash, expected) in [
        ("sm", Suite::Sm, HashAlgorithm::Sm3, [Algorithm::Sm2; 3]),
        ("mixed", Suite::Mixed, HashAlgorithm::Sha256, [Algorithm::Ed25519, Algorithm::Sm2, Algorithm::Ed25519]),
    ] {
        let out = dir.path().join(name);
        city_of(&out, suite, hash).unwrap();
        let (tx, genesis) = read_genesis(&out.join(GENESIS_FILE)).unwrap();
        let signed_with: Vec<Algorithm> = genesis.departments.iter().map(|d| d.signing_key.algorithm()).collect();
        assert_eq!((genesis.hash, signed_with.as_slice()), (hash, expected.as_slice()));
        assert_eq!(State::new().apply(&tx, SystemClock.now(), true).result, Ok(()));
        for department in &genesis.departments {
            let is_sm2 = department.signing_key.algorithm() == Algorithm::Sm2;
            assert_eq!(department.sealing_key.starts_with("sm2:"), is_sm2);
            let config = NodeConfig::load(&out.join(department.id.as_str()).join(CONFIG_FILE)).unwrap();
            config.check().unwrap();
            let secret = config.keys.secret().unwrap();
            assert!(Keyring::load(&config.keys_dir, None).is_err(), "keys lie in the clear");
            let keys = Keyring::load(&config.keys_dir, secret.as_ref()).unwrap();
            assert_eq!(keys.signing.public(), department.signing_key);
            let tls = config.tls_files().unwrap();
            assert!(crate::crypto::tls::server_config(&tls).is_ok());
            assert!(crate::crypto::tls::server_config(&TlsFiles { secret: None, ..tls }).is_err());
        }
    }
}
