//! Reading what a request brings: JSON bodies, query parameters and ids in paths. A mistake is named by its field.

use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::ApiError;

/// Cancelled once it is known who calls.
#[derive(Clone)]
struct CallerKnown(CancellationToken);

/// Holds the body back until the returned guard is dropped: who calls is decided before what they sent is read
/// although extractors run at the same time. Handlers name their caller first, then the body.
pub(crate) fn hold_back(req: &HttpRequest) -> DropGuard {
    let known = CancellationToken::new();
    req.extensions_mut().insert(CallerKnown(known.clone()));
    known.drop_guard()
}

async fn caller_known(gate: Option<CallerKnown>) {
    if let Some(CallerKnown(known)) = gate {
        known.cancelled().await;
    }
}

/// A JSON body of at most 256 KiB that arrives within 10 s. `Content-Type: application/json` is required: a form of
/// another site cannot send it.
pub struct JsonBody<T>(pub T);

impl<T> JsonBody<T> {
    const MAX_BYTES: usize = 262_144;
    const DEADLINE: Duration = Duration::from_secs(10);

    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        let gate = req.extensions().get::<CallerKnown>().cloned();
        Box::pin(async move {
            caller_known(gate).await;
            require_json(&req)?;
            let bytes = read_body(payload, Self::MAX_BYTES, Self::DEADLINE).await?;
            parse_json(&bytes).map(Self)
        })
    }
}

/// A [`JsonBody`] that may be absent: a request with neither a body nor a `Content-Type` gives the default.
pub struct OptionalJsonBody<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJsonBody<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        let gate = req.extensions().get::<CallerKnown>().cloned();
        Box::pin(async move {
            caller_known(gate).await;
            let bytes = read_body(payload, JsonBody::<T>::MAX_BYTES, JsonBody::<T>::DEADLINE).await?;
            if bytes.is_empty() && !req.headers().contains_key(CONTENT_TYPE) {
                return Ok(Self(T::default()));
            }
            require_json(&req)?;
            parse_json(&bytes).map(Self)
        })
    }
}

fn require_json(req: &HttpRequest) -> Result<(), ApiError> {
    let content_type = req
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(ApiError::UnsupportedMediaType(
            "send JSON with the header Content-Type: application/json".into(),
        ))
    }
}

/// Reads a raw body, refusing it as soon as it is longer than `max_bytes` or takes longer than `deadline`.
pub async fn read_body(
    mut payload: Payload,
    max_bytes: usize,
    deadline: Duration,
) -> Result<Bytes, ApiError> {
    let read = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk =
                chunk.map_err(|error| ApiError::invalid("", format!("the body broke off: {error}")))?;
            if body.len() + chunk.len() > max_bytes {
                let message = format!("the body is longer than {max_bytes} bytes; send it in smaller parts");
                return Err(ApiError::PayloadTooLarge(message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(deadline, read)
        .await
        .unwrap_or_else(|_elapsed| {
            Err(ApiError::invalid(
                "",
                format!("the body did not arrive within {} s", deadline.as_secs()),
            ))
        })
}

/// Parses JSON, naming the path of what does not fit.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        invalid_at(&path, &error.into_inner().to_string())
    })?;
    deserializer
        .end()
        .map_err(|error| ApiError::invalid("", format!("body is not one JSON document: {error}")))?;
    Ok(value)
}

/// What a request wants of a field that may have no value: absent leaves it, null takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Option::deserialize(deserializer)?;
        Ok(given.map_or(Self::Clear, Self::Set))
    }
}

impl<T> Change<T> {
    /// The field's value after the change.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// Query parameters; a mistake names the parameter.
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for QueryParams<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = parse_query(req.query_string());
        let gate = req.extensions().get::<CallerKnown>().cloned();
        Box::pin(async move {
            caller_known(gate).await;
            parsed.map(Self)
        })
    }
}

/// Query parameters that several routes share.
pub trait SharedParams: DeserializeOwned {
    /// What they are called.
    const NAMES: &'static [&'static str];
}

/// Query parameters: those that several routes share, and those of this route.
pub struct QueryParamsOf<S, T>(pub S, pub T);

impl<S: SharedParams + 'static, T: DeserializeOwned + 'static> FromRequest for QueryParamsOf<S, T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_shared = |name: &str| S::NAMES.contains(&name);
        let shared = parse_query(&only(req.query_string(), is_shared));
        let own = parse_query(&only(req.query_string(), |name| !is_shared(name)));
        let gate = req.extensions().get::<CallerKnown>().cloned();
        Box::pin(async move {
            caller_known(gate).await;
            Ok(Self(shared?, own?))
        })
    }
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let deserializer = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        invalid_at(&path, &error.into_inner().to_string())
    })
}

/// The parameters whose names pass.
fn only(query: &str, passes: impl Fn(&str) -> bool) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| passes(name));
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn invalid_at(path: &str, message: &str) -> ApiError {
    // The root is printed as "." by the path library.
    let path = if path == "." { "" } else { path };
    match missing_field(message) {
        Some(field) if path.is_empty() => ApiError::invalid(field, "is missing"),
        Some(field) => ApiError::invalid(format!("{path}.{field}"), "is missing"),
        None => ApiError::invalid(path, message),
    }
}

/// A missing field has no place in the body, so serde names it in its message only.
fn missing_field(message: &str) -> Option<&str> {
    let (field, _where) = message.strip_prefix("missing field `")?.split_once('`')?;
    Some(field)
}

/// An id in a path. One that is malformed belongs to nothing, so it is a 404 like any other unknown id.
pub struct PathId<T>(pub T);

impl<T: FromStr + 'static> FromRequest for PathId<T> {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = req
            .match_info()
            .iter()
            .next()
            .and_then(|(_name, text)| text.parse().ok());
        std::future::ready(id.map(Self).ok_or(ApiError::NotFound {
            what: "what this address names",
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its parsing is tested")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its parsing is tested")]
        count: u32,
    }

    fn first_path(json: &str) -> String {
        match parse_json::<Outer>(json.as_bytes()).expect_err("must be refused") {
            ApiError::Validation { details, .. } => details[0].path.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_mistake_is_named_by_its_path() {
        assert_eq!(first_path(r#"{"inner":{"count":"three"}}"#), "inner.count");
        assert_eq!(first_path(r#"{"inner":{"count":1},"extra":2}"#), "extra");
        assert_eq!(first_path(r#"{"inner":{}}"#), "inner.count");
        assert_eq!(first_path("{}"), "inner");
        assert_eq!(first_path(r#"{"inner":"#), "inner");
        assert_eq!(first_path(r#"{"inner":{"count":1}} trailing"#), "");
    }

    #[rstest::rstest]
    #[case("{}", Change::Keep, Some(1))]
    #[case(r#"{"inner":null}"#, Change::Clear, None)]
    #[case(r#"{"inner":7}"#, Change::Set(7), Some(7))]
    fn null_takes_a_value_away_and_absence_leaves_it(
        #[case] json: &str,
        #[case] change: Change<u8>,
        #[case] after: Option<u8>,
    ) {
        #[derive(Deserialize)]
        struct Patch {
            #[serde(default)]
            inner: Change<u8>,
        }
        let parsed = serde_json::from_str::<Patch>(json).unwrap().inner;
        assert_eq!(parsed, change);
        assert_eq!(parsed.apply(Some(1)), after);
        assert!(serde_json::from_str::<Patch>(r#"{"inner":-1}"#).is_err());
    }
}
