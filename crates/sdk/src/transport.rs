//! One request to ingest, and what came of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::answer::{self, Verdict};
use crate::batch::Batch;
use crate::builder::BuildError;
use crate::encoding::{self, Compression};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Far above what ingest says about the largest batch. More than that is not ingest.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Where requests go, and how.
pub(crate) struct Target {
    /// The whole address of the route.
    pub(crate) url: Url,
    /// Marked as sensitive, so that it does not print.
    pub(crate) api_key: HeaderValue,
    pub(crate) compression: Compression,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
}

pub(crate) struct Transport {
    http: reqwest::Client,
    target: Target,
}

impl Transport {
    pub(crate) fn new(target: Target) -> Result<Self, BuildError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(target.url.scheme() == "https")?)
            .user_agent(concat!("sightline-sdk-rust/", env!("CARGO_PKG_VERSION")))
            // An API key belongs to the server it was made for.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(target.connect_timeout)
            .timeout(target.request_timeout)
            .build()
            .map_err(BuildError::Http)?;
        Ok(Self { http, target })
    }

    /// Sends the batch, with the same key and the same bytes at every try.
    pub(crate) async fn send(&self, batch: &mut Batch) -> Verdict {
        let lines = batch.len();
        let body = batch
            .body
            .get_or_insert_with(|| encoding::encode(&batch.lines, self.target.compression));
        let mut request = self
            .http
            .post(self.target.url.clone())
            .header(API_KEY, self.target.api_key.clone())
            .header(IDEMPOTENCY_KEY, &batch.key)
            .header(CONTENT_TYPE, "application/x-ndjson");
        if let Some(encoding) = body.encoding {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        match request.body(body.bytes.clone()).send().await {
            Ok(response) => read(response, lines).await,
            // Without a connection nothing was sent.
            Err(error) => Verdict::unanswered(!error.is_connect(), describe(error)),
        }
    }
}

async fn read(mut response: Response, lines: u64) -> Verdict {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after
        .and_then(|value| value.to_str().ok())
        .map(ToOwned::to_owned);
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER_BYTES => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Verdict::unanswered(true, "the answer is too long to be ingest's"),
            Ok(None) => return answer::judge(status, retry_after.as_deref(), &body, lines),
            Err(error) => return Verdict::unanswered(true, describe(error)),
        }
    }
}

/// The chain of causes: the outermost says no more than that sending failed. Without the address, which is known.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// With a provider of its own: the process's default belongs to the application, which may have another or none.
fn tls(is_needed: bool) -> Result<ClientConfig, BuildError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(BuildError::Tls)?;
    let config = if is_needed {
        config.with_platform_verifier().map_err(BuildError::Tls)?
    } else {
        config.with_root_certificates(RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use rustls::crypto::CryptoProvider;

    use crate::{Client, Record};

    /// The first byte of a TLS handshake.
    const HANDSHAKE: u8 = 22;

    /// In an application that has chosen no provider, reqwest by itself would panic.
    #[test]
    fn https_speaks_tls_and_leaves_the_processs_provider_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("https://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let mut first = [0];
            listener.accept().unwrap().0.read_exact(&mut first).unwrap();
            first[0]
        });
        let client = Client::builder(endpoint, "slk_canary").build().unwrap();
        client.log(Record::info("in secret"));
        let undelivered = client.shutdown_blocking(Duration::from_millis(500)).unwrap_err();
        assert!(
            !undelivered.lines[0].may_be_stored,
            "without a handshake nothing is sent"
        );
        assert_eq!(server.join().unwrap(), HANDSHAKE);
        assert!(CryptoProvider::get_default().is_none());
    }
}
