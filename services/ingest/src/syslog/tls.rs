//! The certificate of syslog's TLS port.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::SyslogConfig;

/// Senders are known by their API keys, so none is asked for a certificate.
pub(super) fn acceptor(config: &SyslogConfig) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(named(config.syslog_tls_cert.as_ref())?)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .context("SYSLOG_TLS_CERT")?;
    let key =
        PrivateKeyDer::from_pem_file(named(config.syslog_tls_key.as_ref())?).context("SYSLOG_TLS_KEY")?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("SYSLOG_TLS_CERT with SYSLOG_TLS_KEY")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn named(path: Option<&PathBuf>) -> anyhow::Result<&Path> {
    path.map(PathBuf::as_path)
        .context("SYSLOG_TLS_ADDR needs SYSLOG_TLS_CERT and SYSLOG_TLS_KEY")
}
