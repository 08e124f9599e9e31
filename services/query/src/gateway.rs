//! Forwarding a request to the service that owns its path, streaming both ways.
//!
//! The gateway adds nothing to what a caller may do: the owner reads the cookie or key itself. What it takes away is in
//! [`headers`]. One part being down is answered here with a 503 that names it; the others go on.

mod headers;
mod owners;
mod upload;

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header::{HOST, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::{HttpRequest, HttpResponse, web};
use db::causes;
use service_kit::{ApiError, Kit, context};
use tokio::runtime::Handle;
use url::Url;

use crate::app::State;
use crate::{Config, metrics};

pub(crate) use owners::Owner;
use upload::Stopped;

/// How long making a connection to an owner may take.
const CONNECT: Duration = Duration::from_secs(2);
/// Below the 75 s for which the services keep an idle connection, so that none is closed under a request.
const IDLE: Duration = Duration::from_secs(30);
/// What a caller is told to wait when an owner is down: long enough for a restart, short enough for a person.
const RETRY_AFTER_S: u64 = 2;

/// The way to the other services. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gateway {
    client: reqwest::Client,
    /// Connections live on the program's main runtime: an HTTP worker's own would hang and die with that worker.
    runtime: Handle,
    identity: Url,
    ingest: Url,
    alerting: Url,
    webhook: Url,
    timeout: Duration,
    max_bytes: u64,
}

impl Gateway {
    /// Call it on the main runtime.
    pub(crate) fn new(config: &Config) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self {
            client,
            runtime: Handle::current(),
            identity: config.identity_url.clone(),
            ingest: config.ingest_url.clone(),
            alerting: config.alerting_url.clone(),
            webhook: config.webhook_url.clone(),
            timeout: Duration::from_millis(config.upstream_timeout_ms),
            max_bytes: config.forward_max_bytes,
        })
    }

    /// Whether an owner says that it would serve a request now.
    pub(crate) async fn is_ready(&self, owner: Owner, within: Duration) -> Result<bool, reqwest::Error> {
        let mut url = self.base(owner).clone();
        url.set_path("/readyz");
        let request = self.client.get(url).timeout(within).build()?;
        Ok(self.execute(request).await?.status().is_success())
    }

    fn base(&self, owner: Owner) -> &Url {
        match owner {
            Owner::Identity => &self.identity,
            Owner::Ingest => &self.ingest,
            Owner::Alerting => &self.alerting,
            Owner::Webhook => &self.webhook,
        }
    }

    /// The path and query as they were sent, at the owner's address.
    fn url(&self, owner: Owner, uri: &Uri) -> Url {
        let mut url = self.base(owner).clone();
        url.set_path(uri.path());
        url.set_query(uri.query());
        url
    }

    async fn execute(&self, request: reqwest::Request) -> reqwest::Result<reqwest::Response> {
        let running = self.runtime.spawn(self.client.execute(request));
        let _abort_with_us = AbortOnDrop(running.abort_handle());
        running
            .await
            .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
    }
}

/// Ends a task on another runtime when the caller stops waiting for it.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends a request on to the owner of its path, and its answer back.
pub(crate) async fn forward(
    req: HttpRequest,
    payload: web::Payload,
    kit: web::Data<Kit>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let gateway = &state.gateway;
    let owner = owners::of_path(req.uri().path())?.ok_or(ApiError::NotFound { what: "this route" })?;
    let length = upload::declared_length(req.headers(), gateway.max_bytes)?;
    let mut request = reqwest::Request::new(method(req.method())?, gateway.url(owner, req.uri()));
    *request.headers_mut() = headers::to_owner(&req, &kit.trusted_proxies, context::current().as_ref());
    length.describe(request.headers_mut());
    let (body, stopped) = upload::stream(payload, length, gateway.max_bytes, gateway.timeout);
    *request.body_mut() = body;
    tokio::select! {
        // First, since a body that is cut off makes the request fail as well, and is the reason.
        biased;
        stopped = give_up(stopped, gateway.timeout) => Err(stopped_error(stopped, owner, gateway)),
        answer = gateway.execute(request) => answer
            .map(|answer| relay(req.method(), answer))
            .map_err(|error| unanswered(owner, &error)),
    }
}

/// Waits until the request has no chance any more: its body was cut off, or was sent and remains unanswered.
async fn give_up(upload: tokio::sync::oneshot::Receiver<Stopped>, timeout: Duration) -> Stopped {
    match upload.await {
        Ok(stopped) => stopped,
        Err(_sent) => {
            tokio::time::sleep(timeout).await;
            Stopped::OwnerIsSlow
        }
    }
}

fn stopped_error(stopped: Stopped, owner: Owner, gateway: &Gateway) -> ApiError {
    match stopped {
        Stopped::TooLong => upload::too_long(gateway.max_bytes),
        Stopped::CallerBrokeOff => ApiError::invalid("", "the body broke off before its end; send it again"),
        Stopped::OwnerIsSlow => {
            metrics::upstream_failed(owner.as_str(), "timeout");
            tracing::warn!(owner = owner.as_str(), "{owner} did not answer in time");
            let seconds = gateway.timeout.as_secs();
            unavailable(format!(
                "{owner} did not answer within {seconds} s, and may or may not have done what was asked; look before trying again"
            ))
        }
    }
}

fn unanswered(owner: Owner, error: &reqwest::Error) -> ApiError {
    let reason = if error.is_connect() { "connect" } else { "broken" };
    metrics::upstream_failed(owner.as_str(), reason);
    let cause = causes::chain(error);
    tracing::warn!(owner = owner.as_str(), error = cause, "{owner} did not answer");
    unavailable(format!(
        "{owner} is not available; only what belongs to it is affected. Try again in {RETRY_AFTER_S} s"
    ))
}

fn unavailable(message: String) -> ApiError {
    ApiError::Busy {
        message,
        retry_after_s: RETRY_AFTER_S,
    }
}

/// The two HTTP libraries have a type each.
fn method(method: &Method) -> Result<reqwest::Method, ApiError> {
    reqwest::Method::from_bytes(method.as_str().as_bytes()).map_err(ApiError::internal)
}

/// The owner's answer as ours, its body as it comes.
fn relay(method: &Method, answer: reqwest::Response) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    for header in headers::to_caller(answer.headers()) {
        response.append_header(header);
    }
    if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return response.finish();
    }
    // An answer to HEAD declares the length of a body that does not come.
    let declared = if method == Method::HEAD {
        upload::content_length(answer.headers())
    } else {
        answer.content_length()
    };
    match declared {
        Some(length) => response.body(SizedStream::new(length, answer.bytes_stream())),
        None => response.streaming(answer.bytes_stream()),
    }
}

/// The name by which the caller addressed us.
fn host(req: &HttpRequest) -> Option<&[u8]> {
    req.headers().get(HOST).map(HeaderValue::as_bytes)
}
