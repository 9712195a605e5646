//! The city's certificate authority: certifies the nodes' TLS keys, and nothing else trusts it.

use std::path::Path;
use std::time::Duration;

use pkcs8::SecretDocument;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use zeroize::Zeroizing;

use crate::clock::{DAY_MS, Millis};
use crate::ids::DepartmentId;

use super::secret::Secret;
use super::tls::{NODE_DOMAIN, TlsFiles, node_name};
use super::{CryptoError, key_file, pem};

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";
/// How long the authority's own certificate is valid.
const AUTHORITY_DAYS: u64 = 20 * 365;
/// How long a node's certificate is valid.
const NODE_DAYS: u64 = 5 * 365;

/// The authority with its private key; it belongs on the authority's machine alone.
pub struct CityAuthority {
    certificate: String,
    issuer: CertificateParams,
    key: Zeroizing<KeyPair>,
}

/// A node's certificate and key.
pub struct NodeCertificate {
    /// The certificate.
    pub cert_pem: String,
    /// Its private key, PKCS#8, in the clear until [`NodeCertificate::locked`].
    pub key_pem: Zeroizing<String>,
    /// The authority's certificate.
    pub ca_pem: String,
}

impl CityAuthority {
    /// A new authority (ECDSA P-256), valid from the day before `now` for twenty years.
    ///
    /// # Errors
    /// [`CryptoError::Certificate`].
    pub fn create(name: &str, now: Millis) -> Result<Self, CryptoError> {
        let key = Zeroizing::new(KeyPair::generate().map_err(certificate_error)?);
        let issuer = authority_params(name);
        let mut params = issuer.clone();
        set_validity(&mut params, now, AUTHORITY_DAYS);
        let certificate = params.self_signed(&*key).map_err(certificate_error)?.pem();
        Ok(Self { certificate, issuer, key })
    }

    /// Writes `ca.pem` and, for the owner alone, `ca-key.pem`.
    ///
    /// # Errors
    /// [`CryptoError::File`]; files that exist are not overwritten.
    pub fn save(&self, dir: &Path) -> Result<(), CryptoError> {
        pem::write_secret(&dir.join(KEY_FILE), &Zeroizing::new(self.key.serialize_pem()))?;
        pem::write_public(&dir.join(CERTIFICATE_FILE), &self.certificate)
    }

    /// Reads an authority that was saved.
    ///
    /// # Errors
    /// [`CryptoError::File`], [`CryptoError::Key`] or [`CryptoError::Certificate`].
    pub fn load(dir: &Path) -> Result<Self, CryptoError> {
        let certificate = pem::read(&dir.join(CERTIFICATE_FILE))?.to_string();
        let key = KeyPair::from_pem(&pem::read(&dir.join(KEY_FILE))?).map_err(|e| CryptoError::Key(e.to_string()))?;
        let (_, der) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).map_err(certificate_error)?;
        let parsed = der.parse_x509().map_err(certificate_error)?;
        let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let name = name.ok_or_else(|| CryptoError::Certificate("the authority has no name".into()))?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(CryptoError::Certificate("ca.pem and ca-key.pem do not belong together".into()));
        }
        Ok(Self { issuer: authority_params(name), certificate, key: Zeroizing::new(key) })
    }

    /// The authority's certificate.
    pub fn cert_pem(&self) -> &str {
        &self.certificate
    }

    /// Certifies a new key of a department's node, valid from the day before `now` for five years. The
    /// certificate names the department as `<department>.mulu.internal`; `hosts` are further DNS names or addresses,
    /// and the loopback is always among them.
    ///
    /// # Errors
    /// [`CryptoError::Certificate`], also when a host claims to be another department.
    pub fn issue(
        &self,
        department: &DepartmentId,
        hosts: &[String],
        now: Millis,
    ) -> Result<NodeCertificate, CryptoError> {
        if let Some(host) = hosts.iter().find(|host| host.to_ascii_lowercase().ends_with(NODE_DOMAIN)) {
            return Err(CryptoError::Certificate(format!("{host} is the name of a department, not of a host")));
        }
        let mut names = vec![node_name(department), "localhost".to_owned(), "127.0.0.1".to_owned()];
        names.extend(hosts.iter().filter(|host| !matches!(host.as_str(), "localhost" | "127.0.0.1")).cloned());
        let mut params = CertificateParams::new(names).map_err(certificate_error)?;
        params.distinguished_name = common_name(department.as_str());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, now, NODE_DAYS);
        let key = Zeroizing::new(KeyPair::generate().map_err(certificate_error)?);
        let issuer = Issuer::from_params(&self.issuer, &*self.key);
        let certificate = params.signed_by(&*key, &issuer).map_err(certificate_error)?;
        Ok(NodeCertificate {
            cert_pem: certificate.pem(),
            key_pem: Zeroizing::new(key.serialize_pem()),
            ca_pem: self.certificate.clone(),
        })
    }
}

impl NodeCertificate {
    /// The same, its private key encrypted under a secret.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`].
    pub fn locked(self, secret: &Secret) -> Result<Self, CryptoError> {
        let key = SecretDocument::from_pem(&self.key_pem).map_err(|e| CryptoError::Key(e.to_string()))?.1;
        Ok(Self { key_pem: key_file::text(key.as_bytes(), Some(secret))?, ..self })
    }

    /// Writes `ca.pem`, `node.pem` and, for the owner alone, `node-key.pem`.
    ///
    /// # Errors
    /// [`CryptoError::File`]; files that exist are not overwritten.
    pub fn save(&self, dir: &Path) -> Result<TlsFiles, CryptoError> {
        let files = TlsFiles::in_dir(dir);
        pem::write_secret(&files.key, &self.key_pem)?;
        pem::write_public(&files.cert, &self.cert_pem)?;
        pem::write_public(&files.ca, &self.ca_pem)?;
        Ok(files)
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// From one day earlier, because the clocks of two departments differ.
fn set_validity(params: &mut CertificateParams, now: Millis, days: u64) {
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_millis(now.0.saturating_sub(DAY_MS));
    params.not_after = epoch + Duration::from_millis(now.plus(days * DAY_MS).0);
}

fn certificate_error(error: impl std::fmt::Display) -> CryptoError {
    CryptoError::Certificate(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const NOW: Millis = Millis(1_795_000_000_000);

    #[test]
    fn no_host_can_pose_as_a_department() {
        let city = CityAuthority::create("City", NOW).unwrap();
        let department = "tax".parse().unwrap();
        assert!(city.issue(&department, &["health.mulu.internal".into()], NOW).is_err());
        assert!(city.issue(&department, &["Health.MULU.internal".into()], NOW).is_err());
        assert!(city.issue(&department, &["node.tax.example".into(), "10.0.0.7".into()], NOW).is_ok());
    }

    #[test]
    fn openssl_accepts_what_a_loaded_authority_issues() {
        let dir = tempfile::tempdir().unwrap();
        CityAuthority::create("City CA", NOW).unwrap().save(dir.path()).unwrap();
        let city = CityAuthority::load(dir.path()).unwrap();
        let node = dir.path().join("node");
        let files = city.issue(&"tax".parse().unwrap(), &[], NOW).unwrap().save(&node).unwrap();
        let mut verify = Command::new("openssl");
        verify.args(["verify", "-x509_strict", "-purpose", "sslserver", "-attime", "1795000000", "-verify_hostname"]);
        verify.arg("tax.mulu.internal").arg("-CAfile").arg(&files.ca).arg(&files.cert);
        if let Ok(output) = verify.output() {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }

    #[test]
    fn files_of_two_authorities_are_not_mixed() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for dir in [&one, &other] {
            CityAuthority::create("City", NOW).unwrap().save(dir.path()).unwrap();
        }
        std::fs::copy(one.path().join(KEY_FILE), other.path().join(KEY_FILE)).unwrap();
        assert!(CityAuthority::load(other.path()).is_err());
    }
}
