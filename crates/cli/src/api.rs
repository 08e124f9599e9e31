//! Calls of the gateway.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;

use crate::config::{Config, Secret};
use crate::failure::Usage;

const CONNECT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer. Tails are written to every few seconds, searches end long before.
const SILENCE: Duration = Duration::from_mins(1);
/// Of an error's body.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Why an answer is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiFailure {
    #[error("{url} cannot be reached; is it running, and is the address right?")]
    Unreachable {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    /// In the server's words.
    #[error("{text}")]
    Refused {
        status: u16,
        /// The first wrong field, if the server names one.
        field: Option<String>,
        text: String,
        retry_after: Option<Duration>,
    },
    #[error("{url} is no Sightline, or something stands between: it answered {what}")]
    Strange { url: String, what: String },
    #[error("the answer broke off")]
    BrokeOff(#[source] reqwest::Error),
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorContent,
    #[serde(default)]
    correlation_id: String,
}

#[derive(Deserialize)]
struct ErrorContent {
    message: String,
    #[serde(default)]
    details: Vec<FieldError>,
}

#[derive(Deserialize)]
struct FieldError {
    path: String,
    message: String,
}

/// A caller of one address with one token.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: Client,
    base: Url,
}

/// Parameters of a request, those that are absent left out.
pub(crate) type Params = Vec<(&'static str, String)>;

impl Api {
    /// The caller that was logged in.
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let not_logged_in = |what: &str| {
            Usage(format!(
                "{what}; run `sightline login URL`, or set SIGHTLINE_URL and SIGHTLINE_TOKEN"
            ))
        };
        let url = config
            .url
            .as_deref()
            .ok_or_else(|| not_logged_in("no address of Sightline is known"))?;
        let token = config
            .token
            .as_ref()
            .ok_or_else(|| not_logged_in("no token for this address is known"))?;
        Self::new(url, token)
    }

    pub(crate) fn new(url: &str, token: &Secret) -> anyhow::Result<Self> {
        let wrong = || {
            Usage(
                "the address must be like https://sightline.example.com, without user, query or fragment"
                    .to_owned(),
            )
        };
        let base: Url = url.parse().map_err(|_error| wrong())?;
        let is_plain = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !matches!(base.scheme(), "http" | "https") || !is_plain {
            return Err(wrong().into());
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.0))
            .map_err(|_error| Usage("the token holds characters that none has; copy it again".to_owned()))?;
        value.set_sensitive(true);
        let http = Client::builder()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]))
            .user_agent(concat!("sightline-cli/", env!("CARGO_PKG_VERSION")))
            // The token must not follow to another place.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .build()
            .context("the HTTP client cannot be set up")?;
        Ok(Self { http, base })
    }

    /// The address, as it is shown and stored.
    pub(crate) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether the token travels over a network unencrypted.
    pub(crate) fn is_exposed(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let is_here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        self.base.scheme() == "http" && !is_here
    }

    pub(crate) async fn get(&self, path: &str, params: &Params) -> Result<Response, ApiFailure> {
        self.get_after(path, params, None).await
    }

    /// Goes on after an event of a stream.
    pub(crate) async fn get_after(
        &self,
        path: &str,
        params: &Params,
        last_event: Option<&str>,
    ) -> Result<Response, ApiFailure> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !params.is_empty() {
            url.query_pairs_mut().extend_pairs(params);
        }
        let mut request = self.http.get(url);
        if let Some(id) = last_event.and_then(|id| HeaderValue::from_str(id).ok()) {
            request = request.header(HeaderName::from_static("last-event-id"), id);
        }
        let sent = request.send().await.map_err(|source| ApiFailure::Unreachable {
            url: self.base().to_owned(),
            source: source.without_url(),
        });
        let response = sent?;
        if response.status() == StatusCode::OK {
            Ok(response)
        } else {
            Err(self.failure(response).await)
        }
    }

    pub(crate) async fn post_json<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<T> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        let sent = self.http.post(url).json(body).send().await;
        let response = sent.map_err(|source| ApiFailure::Unreachable {
            url: self.base().to_owned(),
            source: source.without_url(),
        })?;
        if !response.status().is_success() {
            return Err(self.failure(response).await.into());
        }
        self.read_json(response).await
    }

    pub(crate) async fn get_json<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        params: &Params,
    ) -> anyhow::Result<T> {
        let response = self.get(path, params).await?;
        self.read_json(response).await
    }

    async fn read_json<T: serde::de::DeserializeOwned>(&self, response: Response) -> anyhow::Result<T> {
        let body = response
            .bytes()
            .await
            .map_err(|error| ApiFailure::BrokeOff(error.without_url()))?;
        Ok(serde_json::from_slice(&body)
            .map_err(|error| self.strange(&format!("something else than was asked for ({error})")))?)
    }

    pub(crate) fn strange(&self, what: &str) -> ApiFailure {
        ApiFailure::Strange {
            url: self.base().to_owned(),
            what: what.to_owned(),
        }
    }

    async fn failure(&self, mut response: Response) -> ApiFailure {
        let status = response.status();
        if let Some(place) = response
            .headers()
            .get(LOCATION)
            .filter(|_| status.is_redirection())
        {
            let place = String::from_utf8_lossy(place.as_bytes());
            return self.strange(&format!(
                "with a redirect to {place}; use that address if it is the right one"
            ));
        }
        let seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ERROR_BYTES {
                break;
            }
        }
        let Ok(ErrorBody {
            error,
            correlation_id,
        }) = serde_json::from_slice(&body)
        else {
            return self.strange(&format!("{status}"));
        };
        let mut text = error.message;
        for detail in &error.details {
            if !text.contains(&detail.message) {
                text = format!("{text}; {}: {}", detail.path, detail.message);
            }
        }
        if status == StatusCode::UNAUTHORIZED {
            text.push_str("; run `sightline login` with a new token");
        } else if status.is_server_error() {
            text = format!("{text} (correlation id {correlation_id})");
        }
        ApiFailure::Refused {
            status: status.as_u16(),
            field: error.details.into_iter().next().map(|detail| detail.path),
            text,
            retry_after: seconds.map(Duration::from_secs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(url: &str) -> anyhow::Result<Api> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Api::new(url, &Secret("slp_canary".into()))
    }

    #[rstest::rstest]
    #[case("127.0.0.1:8080")]
    #[case("ftp://a")]
    #[case("https://slp_canary@a")]
    #[case("https://a?token=slp_canary")]
    #[case("https://a#b")]
    #[case("")]
    fn an_address_of_no_use_is_refused_without_repeating_it(#[case] url: &str) {
        let error = api(url).unwrap_err();
        assert!(error.is::<Usage>() && !format!("{error:?}").contains("canary"));
    }

    #[test]
    fn an_address_may_have_a_path_and_does_not_show_the_token() {
        let api = api("https://a.example/logs/").unwrap();
        assert_eq!(api.base(), "https://a.example/logs");
        assert!(!format!("{api:?}").contains("canary"));
    }

    #[rstest::rstest]
    #[case("http://a.example", true)]
    #[case("https://a.example", false)]
    #[case("http://127.0.0.1:8080", false)]
    #[case("http://[::1]:8080", false)]
    #[case("http://localhost", false)]
    fn only_a_network_without_encryption_exposes_the_token(#[case] url: &str, #[case] expected: bool) {
        assert_eq!(api(url).unwrap().is_exposed(), expected);
    }
}
