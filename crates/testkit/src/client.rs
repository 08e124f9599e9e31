//! An HTTP client that reads like the claim a test makes.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::install_crypto;

/// Calls one server, as nobody or as whoever the `with_…` functions made it. Follows no redirects and keeps no cookies
/// of its own. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
}

impl Client {
    /// `base` is the server's address without a path: `http://127.0.0.1:8080`.
    pub fn new(base: impl Into<String>) -> Self {
        install_crypto();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self {
            http,
            base: base.into().trim_end_matches('/').to_owned(),
            headers: HeaderMap::new(),
        }
    }

    /// The same caller at another server.
    pub fn at(&self, base: impl Into<String>) -> Self {
        Self {
            base: base.into().trim_end_matches('/').to_owned(),
            ..self.clone()
        }
    }

    /// The address this client calls.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Signed in: the value of the cookie `sightline_session`. Requests then also bring the Origin that a browser on
    /// the server's own pages would send, unless [`Client::with_header`] set another.
    pub fn with_cookie(&self, session: &str) -> Self {
        self.with(COOKIE, &format!("sightline_session={session}"))
    }

    /// As an application: `X-API-Key`.
    pub fn with_api_key(&self, raw: &str) -> Self {
        self.with(HeaderName::from_static("x-api-key"), raw)
    }

    /// As an application: `Authorization: Bearer`.
    pub fn with_bearer(&self, token: &str) -> Self {
        self.with(AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// `Authorization: Basic`, as Grafana sends a personal access token: as the password.
    pub fn with_basic(&self, user: &str, password: &str) -> Self {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.with(AUTHORIZATION, &format!("Basic {pair}"))
    }

    /// As another of our services: `X-Internal-Secret`.
    pub fn with_internal_secret(&self, secret: &str) -> Self {
        self.with(HeaderName::from_static("x-internal-secret"), secret)
    }

    /// With one more header, instead of one of the same name.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        self.with(name.parse().unwrap(), value)
    }

    fn with(&self, name: HeaderName, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.insert(name, HeaderValue::from_str(value).unwrap());
        client
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, json: Value) -> Reply {
        self.call(Method::POST, path, Some(json)).await
    }

    pub async fn put(&self, path: &str, json: Value) -> Reply {
        self.call(Method::PUT, path, Some(json)).await
    }

    pub async fn patch(&self, path: &str, json: Value) -> Reply {
        self.call(Method::PATCH, path, Some(json)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None).await
    }

    /// Any method, with or without a JSON body. Panics when the server does not answer.
    pub async fn call(&self, method: Method, path: &str, json: Option<Value>) -> Reply {
        self.try_call(method.clone(), path, json)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// The same for a server that may be away: gives the transport's error back.
    pub async fn try_call(&self, method: Method, path: &str, json: Option<Value>) -> reqwest::Result<Reply> {
        let mut request = self.request(method, path);
        if let Some(json) = json {
            request = request.json(&json);
        }
        Reply::read(request.send().await?).await
    }

    /// POSTs a body as it is. Panics when the server does not answer.
    pub async fn post_bytes(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, content_type)
            .body(body);
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("POST {path}: {error:?}"));
        Reply::read(response)
            .await
            .unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }

    /// A request to build by hand; this client's credentials are on it.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        assert!(path.starts_with('/'), "a path starts with a slash: {path}");
        let mut headers = self.headers.clone();
        if headers.contains_key(COOKIE) && !headers.contains_key(ORIGIN) {
            headers.insert(ORIGIN, HeaderValue::from_str(&self.base).unwrap());
        }
        self.http
            .request(method, format!("{}{path}", self.base))
            .headers(headers)
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    /// The JSON of the body; a string when it is other text, null when it is empty.
    pub body: Value,
}

impl Reply {
    /// Reads an answer that was asked for by hand; of a stream of events, which has no end, what comes first.
    pub async fn read(mut response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_stream = headers
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let bytes = if is_stream {
            response.chunk().await?.unwrap_or_default()
        } else {
            response.bytes().await?
        };
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into())
        };
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    pub fn is_success(&self) -> bool {
        StatusCode::from_u16(self.status).unwrap().is_success()
    }

    /// A header's text, empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// The value of a cookie that this answer sets.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.headers.get_all("set-cookie").iter().find_map(|header| {
            let (found, rest) = header.to_str().unwrap().split_once('=')?;
            (found == name).then(|| rest.split(';').next().unwrap_or_default().to_owned())
        })
    }

    /// Panics unless the status is this one. Gives the reply back for more claims.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(
            self.status, status,
            "unexpected status; the body was {}",
            self.body
        );
        self
    }

    /// What a success carries under `data`. Panics on a failure.
    #[track_caller]
    pub fn data(&self) -> Value {
        assert!(
            self.is_success(),
            "expected a success, got {}: {}",
            self.status,
            self.body
        );
        self.body
            .get("data")
            .unwrap_or_else(|| panic!("no data in {}", self.body))
            .clone()
    }

    /// Where a list goes on; `None` at its end. Panics when the reply is not a list's.
    #[track_caller]
    pub fn next_cursor(&self) -> Option<String> {
        let cursor = self
            .body
            .get("next_cursor")
            .unwrap_or_else(|| panic!("no next_cursor in {}", self.body));
        cursor.as_str().map(ToOwned::to_owned)
    }

    /// Panics unless this is a failure with this status and code, a message that contains `message_part`, and a
    /// correlation id that is the same in body and header.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str, message_part: &str) -> &Self {
        let error = &self.body["error"];
        let found = (self.status, error["code"].as_str().unwrap_or_default());
        assert_eq!(
            found,
            (status, code),
            "unexpected failure; the body was {}",
            self.body
        );
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            message.contains(message_part),
            "{message:?} does not contain {message_part:?}"
        );
        let correlation_id = self.body["correlation_id"].as_str().unwrap_or_default();
        assert!(!correlation_id.is_empty(), "no correlation_id in {}", self.body);
        assert_eq!(
            self.header("x-request-id"),
            correlation_id,
            "X-Request-Id differs from the body"
        );
        self
    }
}
