//! What a request asks: parameters of its address, and of its body if that is a form.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use domain::logql::{self, LogPipeline, Query, Selector, TimeRange};
use service_kit::{ApiError, body};
use time::OffsetDateTime;
use url::form_urlencoded;

use super::refused;

const MAX_BYTES: usize = 262_144;
const DEADLINE: Duration = Duration::from_secs(10);
const FORM: &str = "application/x-www-form-urlencoded";

/// Names and values. What is not known is passed over, as in Loki: its clients send more than any one version knows.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads them; call it once it is known who calls.
    pub(crate) async fn read(req: &HttpRequest, payload: web::Payload) -> Result<Self, ApiError> {
        let form = body::read_body(payload.into_inner(), MAX_BYTES, DEADLINE).await?;
        if !form.is_empty() && !is_form(req) {
            let message = format!("send parameters in the address, or as a form: Content-Type: {FORM}");
            return Err(ApiError::UnsupportedMediaType(message));
        }
        Ok(Self::parse(&form, req.query_string()))
    }

    /// Those of the address alone.
    pub(crate) fn of_address(req: &HttpRequest) -> Self {
        Self::parse(&[], req.query_string())
    }

    /// Those of the form come first, and so count, as in Loki.
    fn parse(form: &[u8], address: &str) -> Self {
        let pairs = form_urlencoded::parse(form).chain(form_urlencoded::parse(address.as_bytes()));
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The times of `match[]`, `match` and others that may come more than once.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(other, _)| other == name);
        named
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn query(&self) -> Result<Query, ApiError> {
        logql::parse(self.get("query").unwrap_or_default()).map_err(refused)
    }

    /// The lines that `query` means; all where there is none.
    pub(super) fn pipeline(&self) -> Result<LogPipeline, ApiError> {
        match logql::parse(self.get("query").unwrap_or("{}")).map_err(refused)? {
            Query::Log(pipeline) => Ok(pipeline),
            Query::Metric(_) => Err(refused(
                "query asks for numbers, and lines are meant here; send a selector such as {service_name=\"api\"}",
            )),
        }
    }

    /// The streams that `query` means; all where there is none.
    pub(super) fn selector(&self) -> Result<Selector, ApiError> {
        Ok(self.pipeline()?.selector)
    }

    /// The streams of any `match[]`; all where there is none.
    pub(super) fn selectors(&self) -> Result<Vec<Selector>, ApiError> {
        let texts: Vec<&str> = self.all("match[]").chain(self.all("match")).collect();
        if texts.is_empty() {
            return Ok(vec![self.selector()?]);
        }
        let read = |text: &&str| logql::parse_selector(text).map_err(refused);
        texts.iter().map(read).collect()
    }

    /// From when to when; an hour back where nothing is said.
    pub(super) fn range(&self, now: OffsetDateTime) -> Result<TimeRange, ApiError> {
        TimeRange::parse(self.get("start"), self.get("end"), self.get("since"), now).map_err(refused)
    }

    /// The same, six hours back, as Loki does for what comes of its index.
    pub(super) fn index_range(&self, now: OffsetDateTime) -> Result<TimeRange, ApiError> {
        let since = self.get("since").unwrap_or("6h");
        TimeRange::parse(self.get("start"), self.get("end"), Some(since), now).map_err(refused)
    }

    /// How many, from 1 to `max`.
    pub(super) fn limit(&self, name: &'static str, default: usize, max: usize) -> Result<usize, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        match text.parse() {
            Ok(limit @ 1..) if limit <= max => Ok(limit),
            _ => Err(refused(format!(
                "{name} must be a number from 1 to {max}, and is {text:.20}"
            ))),
        }
    }
}

fn is_form(req: &HttpRequest) -> bool {
    let value = req
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_counts_before_the_address_and_what_is_empty_not_at_all() {
        let params = Params::parse(b"query=&limit=5&match%5B%5D=a", "query=%7B%7D&limit=7&match[]=b");
        assert_eq!(params.get("query"), Some("{}"));
        assert_eq!(params.get("limit"), Some("5"));
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(params.get("step"), None);
    }

    #[rstest::rstest]
    #[case("", Some(100))]
    #[case("limit=1", Some(1))]
    #[case("limit=5000", Some(5000))]
    #[case("limit=5001", None)]
    #[case("limit=0", None)]
    #[case("limit=-1", None)]
    #[case("limit=many", None)]
    fn limits(#[case] address: &str, #[case] expected: Option<usize>) {
        let params = Params::parse(b"", address);
        assert_eq!(params.limit("limit", 100, 5000).ok(), expected);
    }
}
