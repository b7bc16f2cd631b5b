//! The authority that vouches for the server's certificates.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData as _,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The name every certificate is for, whatever address the server listens on.
pub(crate) const SERVER_NAME: &str = "localhost";

/// A private certificate authority. Clones share the key.
///
/// Its certificates name no end worth mentioning: a machine that nobody looks after must not stop working on a day. What
/// is trusted too long is taken back by making a new authority.
#[derive(Clone)]
pub struct Authority(Arc<Parts>);

struct Parts {
    key: KeyPair,
    key_pem: String,
    certificate_pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn generate() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(unusable)?;
        Self::of_key(&key.serialize_pem())
    }

    /// The certificate that clients have to trust, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.0.certificate_pem
    }

    pub(super) fn key_pem(&self) -> &str {
        &self.0.key_pem
    }

    /// The authority of a key, with a new certificate.
    pub(super) fn of_key(key_pem: &str) -> io::Result<Self> {
        let key = KeyPair::from_pem(key_pem).map_err(unusable)?;
        let certificate_pem = params().self_signed(&key).map_err(unusable)?.pem();
        Ok(Self(Arc::new(Parts { key, key_pem: key_pem.to_owned(), certificate_pem })))
    }

    /// The authority of a key and its certificate.
    pub(super) fn of(key_pem: &str, certificate_pem: &str) -> io::Result<Self> {
        let key = KeyPair::from_pem(key_pem).map_err(unusable)?;
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(unusable)?;
        let public = key.subject_public_key_info();
        if !certificate.windows(public.len()).any(|part| part == public) {
            return Err(io::Error::other("is not the key of the certificate beside it"));
        }
        let (key_pem, certificate_pem) = (key_pem.to_owned(), certificate_pem.to_owned());
        Ok(Self(Arc::new(Parts { key, key_pem, certificate_pem })))
    }

    /// TLS with a new certificate for `localhost`, the loopback addresses, and these names and addresses.
    pub(crate) fn serving(&self, names: &[String], address: IpAddr) -> io::Result<Arc<ServerConfig>> {
        self.try_serving(names, address)
            .map_err(|error| io::Error::other(format!("cannot make a TLS certificate: {error}")))
    }

    fn try_serving(
        &self,
        names: &[String],
        address: IpAddr,
    ) -> Result<Arc<ServerConfig>, Box<dyn std::error::Error + Send + Sync>> {
        let mut all = [SERVER_NAME, "127.0.0.1", "::1"].map(ToOwned::to_owned).to_vec();
        // An address that stands for all of them is none that a client connects to.
        all.extend((!address.is_unspecified()).then(|| address.to_string()));
        all.extend_from_slice(names);
        all.sort();
        all.dedup();
        let mut wanted = CertificateParams::new(all)?;
        wanted.distinguished_name.push(DnType::CommonName, "hostwright-apiserver");
        wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = wanted.signed_by(&key, &Issuer::new(params(), &self.0.key))?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// What an authority says of itself. Kept authorities sign under this name too: changing it parts them from their
/// certificates.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "hostwright-apiserver authority");
    params
}

fn unusable(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("is not the key of an authority and its certificate: {error}"))
}
