//! Tests of a new city: its nodes could start, and nobody holds what is not theirs.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command as Process;

use super::*;
use crate::cli::city::{choose, ports};
use crate::clock::{Clock as _, SystemClock};
use crate::service::config::NodeConfig;
use crate::service::departments::load;
use crate::state::State;

fn city(out: &Path) -> Result<String, CliError> {
    let departments = Path::new(env!("CARGO_MANIFEST_DIR")).join("departments");
    let all = load(&departments).unwrap().departments.into_iter().map(|folder| folder.file).collect();
    let chosen = choose(all, &["tax".parse().unwrap()]).unwrap();
    let ports = ports::from_base(8401, chosen.len()).unwrap();
    let plan = Plan::new(chosen, None, "127.0.0.1", ports).unwrap();
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
        let files = config.tls_files();
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
fn keys_are_private_and_a_city_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("city");
    city(&out).unwrap();
    for (path, mode) in [
        ("authority/ca-key.pem", 0o600),
        ("tax/keys/signing.pem", 0o600),
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
