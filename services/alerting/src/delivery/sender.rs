//! One message to one receiver: guarded, bounded, and its result in words of ours. What is said to which kind of receiver is
//! in [`requests`], what an answer means in [`answers`], mail in [`mail`].

mod answers;
mod mail;
mod requests;

use std::error::Error;
use std::time::{Duration, Instant};

use db::notification_jobs::attempts::Outcome;
use domain::alerting::delivery::AttemptOutcome;
use domain::alerting::notification::Message;
use reqwest::{Client, Response};
use service_kit::Clock;

use self::answers::Reading;
pub(crate) use self::mail::{InvalidMailSettings, MailSettings, Mailer};
use self::requests::Prepared;
use crate::channel_config::ChannelConfig;
use crate::egress::{Egress, GuardedResolver, Refusal};

/// How long connecting may take, within the time for the whole request.
const CONNECT: Duration = Duration::from_secs(5);

/// How long beyond that reading answers may take; within the margin of a lease.
const ANSWER: Duration = Duration::from_secs(2);

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sender {
    /// Speaks TLS only.
    secure: Client,
    /// Plain http, to addresses that the operator allows.
    plain: Client,
    egress: Egress,
    /// Where the operator's mail server is, if there is one.
    mailer: Option<Mailer>,
    clock: Clock,
    timeout: Duration,
}

/// What is to be sent, and what it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Envelope<'a> {
    /// Stays the same when it is sent again: receivers recognise a repeat by it.
    pub(crate) id: &'a str,
    pub(crate) message: Message<'a>,
    /// How the receiver names the message that told the incident's opening.
    pub(crate) opening_ref: Option<&'a str>,
}

/// What came of one request, and how long the receiver asked to be left alone.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) outcome: Outcome,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the receiver had a part in it: what fails for a reason of ours is not held against the channel.
    pub(crate) tried: bool,
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
                receiver_ref: None,
            },
            retry_after: None,
            tried: false,
        }
    }
}

/// What one exchange with a receiver came to.
struct Exchange {
    outcome: AttemptOutcome,
    http_status: Option<u16>,
    detail: String,
    retry_after: Option<Duration>,
    receiver_ref: Option<String>,
}

impl Exchange {
    fn failed(outcome: AttemptOutcome, detail: impl Into<String>) -> Self {
        Self {
            outcome,
            http_status: None,
            detail: detail.into(),
            retry_after: None,
            receiver_ref: None,
        }
    }

    /// Nothing was sent. It is tried again: what a name leads to may have been wrong for a moment only.
    fn refused(refusal: &Refusal) -> Self {
        Self::failed(AttemptOutcome::Failed, format!("not sent: {refusal}"))
    }
}

impl Sender {
    pub(crate) fn new(
        egress: Egress,
        mailer: Option<Mailer>,
        timeout: Duration,
        clock: Clock,
    ) -> reqwest::Result<Self> {
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
            mailer,
            clock,
            timeout,
        })
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }

    pub(crate) fn can_mail(&self) -> bool {
        self.mailer.is_some()
    }

    /// Sends one message; all of it within the time for one request, and that for reading its answer.
    pub(crate) async fn send(&self, config: &ChannelConfig, envelope: Envelope<'_>) -> Sent {
        let started = Instant::now();
        let exchanged = tokio::time::timeout(self.timeout + ANSWER, self.exchange(config, envelope)).await;
        let exchange = exchanged.unwrap_or_else(|_elapsed| self.too_late());
        Sent {
            outcome: Outcome {
                outcome: exchange.outcome,
                duration: started.elapsed(),
                http_status: exchange.http_status,
                detail: exchange.detail,
                receiver_ref: exchange.receiver_ref,
            },
            retry_after: exchange.retry_after,
            tried: true,
        }
    }

    async fn exchange(&self, config: &ChannelConfig, envelope: Envelope<'_>) -> Exchange {
        if let ChannelConfig::Email { to } = config {
            return match &self.mailer {
                Some(mailer) => mailer.send(to, envelope, self.timeout).await,
                None => Exchange::failed(
                    AttemptOutcome::Refused,
                    "not sent: this installation has no mail server (SMTP_URL)",
                ),
            };
        }
        if let Some((url, _)) = config.address()
            && let Err(refusal) = self.egress.check_without_lookup(url)
        {
            return Exchange::refused(&refusal);
        }
        // Most receivers get one request; the message of a Slack app is edited, then answered.
        let mut last = Exchange::failed(AttemptOutcome::Refused, requests::UNSENDABLE);
        for prepared in requests::prepare(config, envelope, self.clock.now()) {
            let is_optional = prepared.is_optional;
            let next = self.one(prepared).await;
            let is_sent = next.outcome == AttemptOutcome::Sent;
            last = next;
            let goes_on = is_sent || (is_optional && last.outcome == AttemptOutcome::Refused);
            if !goes_on {
                break;
            }
        }
        last
    }

    async fn one(&self, prepared: Prepared) -> Exchange {
        let client = if prepared.url.scheme() == "https" {
            &self.secure
        } else {
            &self.plain
        };
        let sent = client
            .post(prepared.url)
            .headers(prepared.headers)
            .body(prepared.body)
            .send()
            .await;
        match sent {
            Ok(response) => self.read(response, prepared.reading).await,
            Err(error) => self.failure(&error),
        }
    }

    async fn read(&self, response: Response, reading: Reading) -> Exchange {
        answers::read(response, reading, self.clock.now()).await
    }

    fn too_late(&self) -> Exchange {
        let seconds = self.timeout.as_secs_f64();
        Exchange::failed(
            AttemptOutcome::Unknown,
            format!("no answer within {seconds} s; the receiver may have got it"),
        )
    }

    /// Tells what surely did not arrive from what may have.
    fn failure(&self, error: &reqwest::Error) -> Exchange {
        if let Some(refusal) = causes(error).find_map(|cause| cause.downcast_ref::<Refusal>()) {
            return Exchange::refused(refusal);
        }
        if error.is_connect() {
            // The last cause is the system's or the TLS library's word; the outer ones may hold the address.
            let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
            return Exchange::failed(AttemptOutcome::Failed, format!("could not connect: {cause}"));
        }
        if error.is_timeout() {
            return self.too_late();
        }
        Exchange::failed(
            AttemptOutcome::Unknown,
            "the connection was lost before an answer came; the receiver may have got it",
        )
    }
}

/// What led to an error, the first cause last.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}
