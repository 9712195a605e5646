//! TLS between nodes: version 1.3 (RFC 8446), both sides certified by the city's authority and by nobody else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sha2::Digest as _;
use x509_parser::extensions::GeneralName;

use crate::clock::Millis;
use crate::ids::DepartmentId;

use super::secret::Secret;
use super::{CryptoError, key_file, pem};

/// Under this name's departments are certified; no resolver knows it.
pub(super) const NODE_DOMAIN: &str = ".mulu.internal";

/// The three files a node needs for TLS, and what opens the key when it is encrypted.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The city authority's certificate.
    pub ca: PathBuf,
    /// The node's certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Opens the key; a plain one is read without.
    pub secret: Option<Secret>,
}

impl TlsFiles {
    /// The files of a directory, as `NodeCertificate::save` names them.
    pub fn in_dir(dir: &Path) -> Self {
        Self { ca: dir.join("ca.pem"), cert: dir.join("node.pem"), key: dir.join("node-key.pem"), secret: None }
    }

    fn roots(&self) -> Result<RootCertStore, CryptoError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca)? {
            roots.add(certificate).map_err(tls_error)?;
        }
        Ok(roots)
    }

    /// Whether the private key can be read.
    ///
    /// # Errors
    /// [`CryptoError::File`], [`CryptoError::Locked`] or [`CryptoError::Tls`].
    pub fn check_key(&self) -> Result<(), CryptoError> {
        self.private_key().map(|_| ())
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, CryptoError> {
        let text = pem::read(&self.key)?;
        if key_file::is_encrypted(&text) {
            return Ok(PrivateKeyDer::Pkcs8(key_file::read(&self.key, self.secret.as_ref())?.to_vec().into()));
        }
        PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|e| CryptoError::Tls(format!("{}: {e}", self.key.display())))
    }

    fn identity(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), CryptoError> {
        Ok((certificates(&self.cert)?, self.private_key()?))
    }
}

/// Makes aws-lc-rs the process's provider of TLS cryptography; call it first in `main` and in tests. Calling it again
/// changes nothing.
pub fn install_provider() {
    // The only error says that a provider is installed already.
    let _ = aws_lc_rs::default_provider().install_default();
}

/// What a node's servers use: a caller without a certificate of the city is turned away in the handshake.
///
/// # Errors
/// [`CryptoError::File`] or [`CryptoError::Tls`].
pub fn server_config(files: &TlsFiles) -> Result<Arc<ServerConfig>, CryptoError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(files.roots()?), Arc::clone(&provider))
        .build()
        .map_err(tls_error)?;
    let (chain, key) = files.identity()?;
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| builder.with_client_cert_verifier(verifier).with_single_cert(chain, key))
        .map(Arc::new)
        .map_err(tls_error)
}

/// What a node uses to call another: only the city's authority is trusted, never the system's roots.
///
/// # Errors
/// [`CryptoError::File`] or [`CryptoError::Tls`].
pub fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>, CryptoError> {
    let (chain, key) = files.identity()?;
    let roots = files.roots()?;
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(chain, key))
        .map(Arc::new)
        .map_err(tls_error)
}

/// The name under which a department's node is certified.
pub fn node_name(department: &DepartmentId) -> String {
    format!("{department}{NODE_DOMAIN}")
}

/// The name to ask for when calling a department's node, whatever its address.
///
/// # Errors
/// [`CryptoError::Tls`] for a department whose name is longer than the 63 characters of a DNS label.
pub fn server_name(department: &DepartmentId) -> Result<ServerName<'static>, CryptoError> {
    ServerName::try_from(node_name(department)).map_err(tls_error)
}

/// When the certificate of a PEM file ends.
///
/// # Errors
/// [`CryptoError`] when the file cannot be read or holds no certificate.
pub fn certificate_ends(path: &Path) -> Result<Millis, CryptoError> {
    let wrong = |why: &str| CryptoError::Certificate(format!("{}: {why}", path.display()));
    let text = pem::read(path)?;
    let (_, der) = x509_parser::pem::parse_x509_pem(text.as_bytes()).map_err(|_| wrong("is not PEM"))?;
    let certificate = der.parse_x509().map_err(|_| wrong("cannot be read"))?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Ok(Millis(seconds.saturating_mul(1_000)))
}

/// A certificate's fingerprint: SHA-256 of its DER, as `openssl x509 -fingerprint -sha256` shows it, without colons.
pub fn fingerprint(certificate: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(certificate))
}

/// The fingerprint of the first certificate of a PEM file.
///
/// # Errors
/// [`CryptoError`] when the file cannot be read or holds no certificate.
pub fn fingerprint_of(path: &Path) -> Result<String, CryptoError> {
    let first = certificates(path)?.into_iter().next();
    first.map(|certificate| fingerprint(&certificate)).ok_or_else(|| CryptoError::Certificate("none".into()))
}

/// The department that a peer's certificate names. The handshake has checked the certificate itself.
///
/// # Errors
/// [`CryptoError::Certificate`] unless it names exactly one department, twice alike.
pub fn peer_department(certificate: &CertificateDer<'_>) -> Result<DepartmentId, CryptoError> {
    let wrong = |why: &str| CryptoError::Certificate(why.to_owned());
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| wrong("cannot be read"))?;
    let names = parsed.subject_alternative_name().map_err(|_| wrong("its names cannot be read"))?;
    let names = names.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    let mut departments = names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => name.strip_suffix(NODE_DOMAIN),
        _ => None,
    });
    let department = departments.next().ok_or_else(|| wrong("names no department"))?;
    if departments.next().is_some() {
        return Err(wrong("names two departments"));
    }
    let subject = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    if subject != Some(department) {
        return Err(wrong("its subject is not the department that it names"));
    }
    department.parse().map_err(|_| wrong("names no department"))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CryptoError> {
    let text = pem::read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let found = found.map_err(|e| CryptoError::Certificate(format!("{}: {e}", path.display())))?;
    if found.is_empty() {
        return Err(CryptoError::Certificate(format!("{}: holds no certificate", path.display())));
    }
    Ok(found)
}

fn tls_error(error: impl std::fmt::Display) -> CryptoError {
    CryptoError::Tls(error.to_string())
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConnection, ServerConnection};

    use super::*;
    use crate::clock::{Clock as _, Millis, SystemClock};
    use crate::crypto::ca::CityAuthority;

    /// Runs a handshake in memory until both are done or one refuses.
    fn handshake(client: &TlsFiles, server: &TlsFiles, called: &str) -> Result<ServerConnection, rustls::Error> {
        let name = server_name(&called.parse().unwrap()).unwrap();
        let mut client = ClientConnection::new(client_config(client).unwrap(), name).unwrap();
        let mut server = ServerConnection::new(server_config(server).unwrap()).unwrap();
        for _ in 0..10 {
            let mut bytes = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut bytes).unwrap();
            }
            let mut unread = bytes.as_slice();
            while !unread.is_empty() {
                server.read_tls(&mut unread).unwrap();
                server.process_new_packets()?;
            }
            let mut bytes = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut bytes).unwrap();
            }
            let mut unread = bytes.as_slice();
            while !unread.is_empty() {
                client.read_tls(&mut unread).unwrap();
                client.process_new_packets()?;
            }
        }
        assert!(!server.is_handshaking());
        Ok(server)
    }

    fn node(city: &CityAuthority, department: &str, now: Millis) -> (TlsFiles, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        (city.issue(&department.parse().unwrap(), &[], now).unwrap().save(dir.path()).unwrap(), dir)
    }

    #[test]
    fn two_nodes_of_a_city_know_each_other_by_department() {
        install_provider();
        install_provider();
        let now = SystemClock.now();
        let city = CityAuthority::create("City", now).unwrap();
        let ((tax, _a), (housing, _b)) = (node(&city, "tax", now), node(&city, "housing", now));
        let server = handshake(&tax, &housing, "housing").unwrap();
        let peer = &server.peer_certificates().unwrap()[0];
        assert_eq!(peer_department(peer).unwrap().as_str(), "tax");
        assert_eq!(server.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        assert!(handshake(&tax, &housing, "health").is_err(), "housing passed for health");
    }

    #[test]
    fn certificates_of_another_city_or_out_of_date_are_refused_on_both_sides() {
        let now = SystemClock.now();
        let city = CityAuthority::create("City", now).unwrap();
        let (tax, _a) = node(&city, "tax", now);
        // The same name, another key.
        let (foreign, _b) = node(&CityAuthority::create("City", now).unwrap(), "housing", now);
        let (expired, _c) = node(&city, "housing", Millis(1_000_000_000_000));
        for other in [&foreign, &expired] {
            assert!(handshake(&tax, other, "housing").is_err());
            assert!(handshake(other, &tax, "tax").is_err());
        }
        // A foreign node that trusts this city, and even knows its authority, still has no certificate of it.
        let spy = TlsFiles { ca: tax.ca.clone(), ..foreign };
        let refused = handshake(&spy, &tax, "tax").err().map(|e| e.to_string());
        assert!(refused.is_some_and(|why| why.contains("certificate")));
    }

    #[test]
    fn an_authority_s_certificate_is_no_department_s() {
        let city = CityAuthority::create("tax", SystemClock.now()).unwrap();
        let der = CertificateDer::from_pem_slice(city.cert_pem().as_bytes()).unwrap();
        assert!(peer_department(&der).is_err());
    }
}
