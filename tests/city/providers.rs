//! A provider that is down, slow, or answers what its entry does not allow; and peers of another city.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::json;

use mulu::crypto::secret::Secret;
use mulu::crypto::tls::{TlsFiles, client_config, install_provider, server_name};

use crate::harness::{Answer, City, Examples, SOON, Said, mulu, signal, until};

const PARKING: &str = "transport/parking-bay-status";

fn query(city: &City) -> Answer {
    let params = json!({"bay_id": Examples::get().bay_id});
    let call = json!({"purpose": "parking-guidance", "cause": "停车诱导", "case_id": "PK-1", "params": params});
    city.query("data-bureau", PARKING, &call)
}

fn works_again(city: &City) {
    until("the provider answers again", SOON, || Some(query(city)).filter(|answer| answer.status == 200));
}

#[test]
fn a_provider_in_trouble_is_told_as_what_it_is_and_peers_of_another_city_as_nobody() {
    let city = City::of_three("transport");
    works_again(&city);
    let said = connector_test(&city).ok();
    assert!(said.contains("fits") && said.contains("\"空闲\"") && !said.contains("NOT FIT"), "{said}");
    down(&city);
    frozen(&city);
    outside_its_schema(&city);
    another_city(&city);
}

/// What the department's operator sees, beside the running node.
fn connector_test(city: &City) -> Said {
    let bay = format!("bay_id={}", Examples::get().bay_id);
    mulu(&["connector", "test", PARKING, "--param", &bay, "--config", city.config("transport").to_str().unwrap()])
}

fn down(city: &City) {
    city.kill("transport");
    let refused = query(city);
    assert!(refused.header("retry-after").is_some(), "{refused}");
    assert_eq!(refused.problem(502, "provider_unreachable")["provider_state"], "down");
    city.start("transport");
    city.wait_ready("transport");
    works_again(city);
}

/// The node is there and says nothing.
fn frozen(city: &City) {
    signal(city.pid("transport"), "STOP");
    let refused = query(city);
    signal(city.pid("transport"), "CONT");
    assert_eq!(refused.problem(504, "provider_late")["provider_state"], "late");
    city.wait_ready("transport");
    works_again(city);
}

fn outside_its_schema(city: &City) {
    let file = city.dir().join("transport/provider/provider.db");
    let mut database = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let mut run = |sql: &str| database.batch_execute(sql).unwrap();
    run("UPDATE parking_bay_status SET status = '在飞', fee_yuan_per_hour = 'much'");
    let misfit = query(city).problem(502, "provider_answer_invalid");
    assert_eq!((&misfit["provider"], &misfit["provider_state"]), (&json!("transport"), &json!("source_misfit")));
    let said = connector_test(city).failed(1);
    assert!(said.contains("1 of 1 connectors"), "{said}");
    run("ALTER TABLE parking_bay_status RENAME TO gone");
    let broken = query(city).problem(502, "provider_connector_broken");
    assert_eq!(broken["provider_state"], "connector_broken");
    run("ALTER TABLE gone RENAME TO parking_bay_status");
    run("UPDATE parking_bay_status SET status = '空闲', fee_yuan_per_hour = 2.5");
    works_again(city);

    // Somebody else writes for longer than the connector waits.
    run("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
    query(city).problem(504, "provider_data_late");
    run("ROLLBACK");
    works_again(city);

    // What failed was decided, so it is on record, with its reason.
    let auditor = city.person("audit", "auditor1");
    for reason in ["provider_answer_invalid", "provider_connector_broken", "provider_data_late"] {
        until(&format!("a record of {reason}"), SOON, || {
            let page = auditor.get("audit/accesses?case_id=PK-1&decision=refused").ok();
            page["items"].as_array()?.iter().any(|record| record["reasons"] == json!([reason])).then_some(())
        });
    }
}

/// A second city has departments of the same names, and an authority of its own.
fn another_city(city: &City) {
    install_provider();
    let other = city.dir().join("other");
    let arguments = ["init", "--out", other.to_str().unwrap(), "--only", "transport", "--base-port", "0"];
    mulu(&arguments).ok();
    let tls = |dir: &Path, file: &str| dir.join("data-bureau/tls").join(file);
    let files = |dir: &Path, ca: &PathBuf| {
        let secret = Secret::key_file(&dir.join("data-bureau/secret/keys.secret")).unwrap();
        let (cert, key) = (tls(dir, "node.pem"), tls(dir, "node-key.pem"));
        TlsFiles { ca: ca.clone(), cert, key, secret: Some(secret) }
    };
    let ca = tls(&city.dir(), "ca.pem");
    let (own, foreign) = (files(&city.dir(), &ca), files(&other, &ca));
    for port in ["peer", "raft"] {
        let address = listen(&city.config("transport"), port);
        assert!(speaks(&address, &own), "{port}: a node of this city was turned away");
        assert!(!speaks(&address, &foreign), "{port}: a node of another city was let in");
    }
    // And the other way round: its node does not trust this city's.
    let address = listen(&city.config("transport"), "peer");
    assert!(!speaks(&address, &files(&other, &tls(&other, "ca.pem"))));
    works_again(city);
}

fn listen(config: &PathBuf, section: &str) -> String {
    let config: toml::Table = toml::from_str(&std::fs::read_to_string(config).unwrap()).unwrap();
    config[section]["listen"].as_str().unwrap().to_owned()
}

/// Whether a listener keeps a connection that was begun with these certificates. A server of TLS 1.3 turns a client away
/// after the client believes that the handshake is over: so an end is waited for.
fn speaks(address: &str, files: &TlsFiles) -> bool {
    let name = server_name(&"transport".parse().unwrap()).unwrap();
    let connection = rustls::ClientConnection::new(Arc::clone(&client_config(files).unwrap()), name).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(1_500))).unwrap();
    let read = rustls::StreamOwned::new(connection, socket).read(&mut [0u8; 1]);
    // Nothing comes, and nothing ends: the other side waits for a request.
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}
