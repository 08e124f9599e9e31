//! What belongs to one request: its correlation id, its trace, its span and its access log line.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use tracing::Instrument as _;
use uuid::Uuid;

/// Echoed, or made when the caller sent none.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The identifiers of one request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Printable ASCII, at most 128 characters.
    pub correlation_id: String,
    /// 32 hex digits: the caller's trace, or a new one.
    pub trace_id: String,
}

impl RequestContext {
    fn of(req: &ServiceRequest) -> Self {
        let header = |name: HeaderName| req.headers().get(name).and_then(|value| value.to_str().ok());
        let correlation_id = header(REQUEST_ID)
            .filter(|id| is_clean_id(id))
            .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let trace_id = header(TRACEPARENT)
            .and_then(trace_id_of)
            .map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
        Self {
            correlation_id,
            trace_id,
        }
    }

    /// For a call to another service within the same trace.
    pub fn traceparent(&self) -> String {
        let span = &Uuid::new_v4().simple().to_string()[..16];
        format!("00-{}-{span}-01", self.trace_id)
    }
}

/// An id from outside goes into our logs and headers, so only harmless characters pass.
fn is_clean_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}

/// The trace id of a `traceparent` (version 00, W3C Trace Context section 3.2).
fn trace_id_of(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, trace_id) = (parts.next()?, parts.next()?);
    let hex = trace_id.len() == 32 && trace_id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (version.len() == 2 && hex && trace_id.bytes().any(|b| b != b'0')).then_some(trace_id)
}

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// The correlation id of the request being handled; a new one outside of any.
pub fn correlation_id() -> String {
    CURRENT
        .try_with(|context| context.correlation_id.clone())
        .unwrap_or_else(|_outside| Uuid::new_v4().to_string())
}

/// The context of the request being handled, if there is one.
pub fn current() -> Option<RequestContext> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Gives a request its identifiers and span, writes its log line and counts it.
pub(crate) async fn middleware(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let context = RequestContext::of(&req);
    let span = tracing::info_span!(
        "request",
        request_id = %context.correlation_id,
        trace_id = %context.trace_id,
        org_id = tracing::field::Empty,
    );
    let (method, started) = (req.method().clone(), Instant::now());
    let header = HeaderValue::from_str(&context.correlation_id);
    let handled = async {
        let mut response = next.call(req).await?;
        if let Ok(id) = header {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        record(&method, &response, started);
        Ok(response)
    };
    CURRENT.scope(context, handled.instrument(span)).await
}

/// Routes are logged and counted as their templates, so that neither ids nor secrets in paths get out.
fn record<B>(method: &Method, response: &ServiceResponse<B>, started: Instant) {
    let route = response
        .request()
        .match_pattern()
        .unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    let labels = [
        ("method", method.to_string()),
        ("route", route.clone()),
        ("status", status.to_string()),
    ];
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    // Probes and scrapes come every few seconds, for ever.
    if matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") && status < 400 {
        return;
    }
    let duration_ms = elapsed.as_millis() as u64;
    tracing::info!(%method, route, status, duration_ms, "{method} {route} {status}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        Some("0af7651916cd43dd8448eb211c80319c")
    )]
    #[case("00-00000000000000000000000000000000-b7ad6b7169203331-01", None)]
    #[case("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", None)]
    #[case("garbage", None)]
    fn only_a_valid_traceparent_is_continued(#[case] header: &str, #[case] expected: Option<&str>) {
        assert_eq!(trace_id_of(header), expected);
    }

    #[rstest::rstest]
    #[case("req-1.2:3_4", true)]
    #[case("", false)]
    #[case("a\nb", false)]
    #[case("a b", false)]
    fn an_id_from_outside_is_taken_only_if_harmless(#[case] id: &str, #[case] expected: bool) {
        assert_eq!(is_clean_id(id), expected);
    }
}
