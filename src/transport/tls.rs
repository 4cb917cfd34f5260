//! TLS by rustls, with ring.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::{ServerConfig, crypto};

/// The certificate or the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file is not PEM, or has no certificate in it.
    #[error("the certificate cannot be read: {0}")]
    Certificate(pem::Error),
    /// The key file is not PEM, or has no private key in it.
    #[error("the private key cannot be read: {0}")]
    Key(pem::Error),
    /// They do not belong together, or rustls does not take them.
    #[error("the certificate and the private key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// What a listener needs to speak TLS 1.2 and 1.3, with HTTP/2 and HTTP/1.1: a chain of certificates, the server's own
/// first, and its private key.
pub fn server_config(certificates_pem: &[u8], key_pem: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(certificates_pem).collect::<Result<_, _>>().map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::Certificate(pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(TlsError::Key)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e22_files_that_are_no_certificate_or_key_are_refused() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        server_config(cert.as_bytes(), key.as_bytes()).unwrap();
        assert!(matches!(server_config(b"", key.as_bytes()), Err(TlsError::Certificate(_))));
        assert!(matches!(server_config(key.as_bytes(), key.as_bytes()), Err(TlsError::Certificate(_))));
        assert!(matches!(server_config(cert.as_bytes(), b"junk"), Err(TlsError::Key(_))));
        assert!(matches!(server_config(cert.as_bytes(), other.as_bytes()), Err(TlsError::Unusable(_))));
    }
}
