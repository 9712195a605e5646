//! The HTTP connector against a real TLS server: whom it believes is what `ca` says, and nobody else.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use super::{ConnectorError, ConnectorFile, Connectors};
use crate::crypto::tls::install_provider;

/// A department's own authority.
struct Authority {
    key: KeyPair,
    params: CertificateParams,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { key: KeyPair::generate().unwrap(), params }
    }

    fn write(&self, path: &Path) {
        std::fs::write(path, self.params.self_signed(&self.key).unwrap().pem()).unwrap();
    }

    /// What a server of these names shows.
    fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder().with_no_client_auth();
        Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

/// A service over TLS, whose thread ends with the test's process; counts the requests that it read.
fn serve(config: Arc<ServerConfig>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(&config, stream, &count);
        }
    });
    (port, asked)
}

fn answer(config: &Arc<ServerConfig>, stream: TcpStream, asked: &AtomicUsize) -> Option<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).ok()?, stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        request.extend(byte);
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let body = r#"[{"name":"王"}]"#;
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

fn connectors(dir: &Path, host: &str, port: u16, ca: Option<&str>) -> Connectors {
    let ca = ca.map(|file| format!("ca = \"{file}\"\n")).unwrap_or_default();
    let text = format!(
        "version = 1\n[[connector]]\nentry = \"aa/bb\"\nkind = \"http\"\nurl = \"https://{host}:{port}/people/{{id}}\"\n\
         items = {{ name = \"name\" }}\n{ca}"
    );
    Connectors::new(ConnectorFile::parse(&text).unwrap(), dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_believed_by_the_authority_that_ca_names_and_by_its_own_name_alone() {
    install_provider();
    let dir = tempfile::tempdir().unwrap();
    let (own, other) = (Authority::new(), Authority::new());
    own.write(&dir.path().join("own.pem"));
    other.write(&dir.path().join("other.pem"));
    std::fs::write(dir.path().join("broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .unwrap();
    let (port, asked) = serve(own.server(&["localhost"]));
    let ask = async |host: &str, ca: Option<&str>| {
        let service = connectors(dir.path(), host, port, ca);
        service.fetch(&"aa/bb".parse().unwrap(), json!({"id": 7}).as_object().unwrap(), None).await
    };
    assert_eq!(json!(ask("localhost", Some("own.pem")).await.unwrap().rows), json!([{"name": "王"}]));
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    for (host, ca, why) in [
        ("localhost", Some("other.pem"), "another authority"),
        ("localhost", None, "the machine's authorities"),
        ("127.0.0.1", Some("own.pem"), "another name than the certificate's"),
    ] {
        assert!(matches!(ask(host, ca).await, Err(ConnectorError::Unreachable(_))), "{why}");
    }
    for file in ["broken.pem", "missing.pem"] {
        assert!(matches!(ask("localhost", Some(file)).await, Err(ConnectorError::Broken(_))), "{file}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "no parameter went to whom it does not believe");
}
