//! One request to one receiver: guarded, bounded, and its result in words of ours.

use std::error::Error;
use std::time::{Duration, Instant};

use db::notification_jobs::attempts::Outcome;
use domain::alerting::delivery::{AttemptOutcome, outcome_of_status, parse_retry_after};
use domain::alerting::notification::Message;
use domain::alerting::{discord, slack, webhook};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response};
use service_kit::Clock;

use crate::channel_config::ChannelConfig;
use crate::egress::{Egress, GuardedResolver, Refusal};

/// How long connecting may take, within the time for the whole request.
const CONNECT: Duration = Duration::from_secs(5);
/// An answer's body is read so that the receiver is not cut off in the middle of it, up to here, and thrown away.
const MAX_BODY_BYTES: usize = 65_536;
/// The answer is known by its status; its body is not waited for longer than this.
const BODY: Duration = Duration::from_secs(1);

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sender {
    /// Speaks TLS only.
    secure: Client,
    /// Plain http, to addresses that the operator allows.
    plain: Client,
    egress: Egress,
    clock: Clock,
    timeout: Duration,
}

/// What came of one request, and how long the receiver asked to be left alone.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) outcome: Outcome,
    pub(crate) retry_after: Option<Duration>,
}

impl Sent {
    /// Nothing was sent, for a reason of ours.
    pub(crate) fn nothing(outcome: AttemptOutcome, detail: &str) -> Self {
        Self {
            outcome: Outcome {
                outcome,
                duration: Duration::ZERO,
                http_status: None,
                detail: detail.to_owned(),
            },
            retry_after: None,
        }
    }
}

impl Sender {
    pub(crate) fn new(egress: Egress, timeout: Duration, clock: Clock) -> reqwest::Result<Self> {
        let client = |secure| {
            Client::builder()
                .user_agent(concat!("Sightline/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .http1_only()
                .https_only(secure)
                // A connection that was kept may be closed by now: then nobody could tell whether a message arrived.
                .pool_max_idle_per_host(0)
                .connect_timeout(CONNECT.min(timeout / 2))
                .timeout(timeout)
                .dns_resolver(GuardedResolver::new(egress.clone(), secure))
                .build()
        };
        Ok(Self {
            secure: client(true)?,
            plain: client(false)?,
            egress,
            clock,
            timeout,
        })
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }

    /// Sends one message. `id` stays the same when it is sent again: receivers recognise a repeat by it.
    pub(crate) async fn send(&self, config: &ChannelConfig, id: &str, message: Message<'_>) -> Sent {
        let started = Instant::now();
        let (outcome, http_status, detail, retry_after) = match self.request(config, id, message).await {
            Ok(response) => self.read_answer(response).await,
            Err(failure) => (failure.outcome, None, failure.detail, None),
        };
        Sent {
            outcome: Outcome {
                outcome,
                duration: started.elapsed(),
                http_status,
                detail,
            },
            retry_after,
        }
    }

    async fn request(
        &self,
        config: &ChannelConfig,
        id: &str,
        message: Message<'_>,
    ) -> Result<Response, Failure> {
        let url = config.url();
        self.egress
            .check_without_lookup(url)
            .map_err(|refusal| Failure::refused(&refusal))?;
        let client = if url.is_secure() {
            &self.secure
        } else {
            &self.plain
        };
        let body = body_of(config, message).to_string().into_bytes();
        let headers = self.headers(config, id, &body).ok_or_else(Failure::unsendable)?;
        client
            .post(url.as_url().clone())
            .headers(headers)
            .body(body)
            .send()
            .await
            .map_err(|error| self.failure(&error))
    }

    fn headers(&self, config: &ChannelConfig, id: &str, body: &[u8]) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let id_value = HeaderValue::from_str(id).ok()?;
        match config {
            ChannelConfig::Slack { .. } | ChannelConfig::Discord { .. } => {
                headers.insert(HeaderName::from_static("idempotency-key"), id_value);
            }
            ChannelConfig::Webhook { secret, .. } => {
                let timestamp = self.clock.now().unix_timestamp();
                let signature = secret.sign(id, timestamp, body)?;
                headers.insert(HeaderName::from_static("webhook-id"), id_value);
                headers.insert(HeaderName::from_static("webhook-timestamp"), timestamp.into());
                headers.insert(
                    HeaderName::from_static("webhook-signature"),
                    HeaderValue::from_str(&signature).ok()?,
                );
            }
        }
        Some(headers)
    }

    async fn read_answer(
        &self,
        response: Response,
    ) -> (AttemptOutcome, Option<u16>, String, Option<Duration>) {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, self.clock.now()));
        drain(response).await;
        let reason = status.canonical_reason().unwrap_or("");
        let said = format!("the receiver answered {} {reason}", status.as_u16());
        let said = said.trim_end();
        let detail = if status.is_redirection() {
            format!("{said}; redirects are not followed, so set the channel to the final address")
        } else {
            said.to_owned()
        };
        let code = status.as_u16();
        (outcome_of_status(code), Some(code), detail, retry_after)
    }

    /// Tells what surely did not arrive from what may have.
    fn failure(&self, error: &reqwest::Error) -> Failure {
        if let Some(refusal) = causes(error).find_map(|cause| cause.downcast_ref::<Refusal>()) {
            return Failure::refused(refusal);
        }
        if error.is_connect() {
            // The last cause is the system's or the TLS library's word; the outer ones may hold the address.
            let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
            return Failure {
                outcome: AttemptOutcome::Failed,
                detail: format!("could not connect: {cause}"),
            };
        }
        let detail = if error.is_timeout() {
            let seconds = self.timeout.as_secs_f64();
            format!("no answer within {seconds} s; the receiver may have got it")
        } else {
            "the connection was lost before an answer came; the receiver may have got it".to_owned()
        };
        Failure {
            outcome: AttemptOutcome::Unknown,
            detail,
        }
    }
}

struct Failure {
    outcome: AttemptOutcome,
    detail: String,
}

impl Failure {
    fn unsendable() -> Self {
        Self {
            outcome: AttemptOutcome::Refused,
            detail: "the message could not be signed; give the channel a new secret".to_owned(),
        }
    }

    /// Nothing was sent. It is tried again: what a name leads to may have been wrong for a moment only.
    fn refused(refusal: &Refusal) -> Self {
        Self {
            outcome: AttemptOutcome::Failed,
            detail: format!("not sent: {refusal}"),
        }
    }
}

/// What led to an error, the first cause last.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Error::source(error), |&cause| Error::source(cause))
}

fn body_of(config: &ChannelConfig, message: Message<'_>) -> serde_json::Value {
    match config {
        ChannelConfig::Slack { .. } => slack::render(message),
        ChannelConfig::Discord { .. } => discord::render(message),
        ChannelConfig::Webhook { .. } => webhook::render(message),
    }
}

async fn drain(mut response: Response) {
    let read = async {
        let mut read = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if read >= MAX_BODY_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(BODY, read).await;
}
