//! TLS as this program speaks it to others: rustls with ring, and the certificates that the machine trusts, so that an
//! intranet's own authority counts. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.

use std::sync::{Arc, OnceLock};

use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How to tell whether somebody is who they say. Read once: who trusts another authority starts the program again.
#[must_use]
pub fn config() -> TlsConfig {
    static CONFIG: OnceLock<TlsConfig> = OnceLock::new();
    CONFIG.get_or_init(read).clone()
}

fn read() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "certificates that this machine trusts could not be read");
    }
    let certificates = found.certs.iter().map(|der| Certificate::from_der(der).to_owned());
    TlsConfig::builder()
        .root_certs(RootCerts::from(certificates))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}
