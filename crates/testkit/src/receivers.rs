//! The services that pages go to, played on loopback: incoming webhooks and the API of Slack, Discord, Teams, PagerDuty,
//! Opsgenie, Telegram, ntfy, a receiver of the Standard Webhooks specification, and a mail server. Each checks what it gets as the real one would, answers like it, records
//! everything, and misbehaves on demand.

mod chats;
mod discord;
mod http;
mod mail;
mod pagers;
mod slack;
mod slack_api;
mod standard_webhooks;
mod teams;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use self::http::Request;
pub use self::mail::{Mail, MailServer};
use crate::eventually;

/// A receiver on a loopback port of its own; gone when dropped.
pub struct Receiver {
    addr: SocketAddr,
    path: &'static str,
    shared: Arc<Shared>,
    acceptor: AbortHandle,
}

struct Shared {
    kind: Kind,
    next: Mutex<VecDeque<Answer>>,
    otherwise: Mutex<Answer>,
    received: Mutex<Vec<Received>>,
}

enum Kind {
    Slack,
    Discord,
    SlackApi(slack_api::Workspace),
    Teams,
    Pagerduty,
    Opsgenie,
    /// With the number of messages that were sent.
    Telegram(AtomicI64),
    Ntfy,
    /// With the secret that signatures are checked with.
    StandardWebhooks(Mutex<Option<String>>),
}

/// How a receiver answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// As the real service does: success for a good request, its own kind of refusal for a bad one.
    Usual,
    /// This status, with an empty body.
    Status(u16),
    /// This status with a `Retry-After` header: seconds or an HTTP date.
    RetryAfter(u16, String),
    /// A redirect (307, which repeats the POST) to this address.
    Redirect(String),
    /// The other answer, this much later.
    Late(Duration, Box<Answer>),
    /// Reads the request, then says nothing and keeps the connection open.
    Silence,
    /// A status line and headers, then nothing more of the announced body.
    HangAfterHeaders,
    /// Reads the request, then resets the connection: the sender cannot know whether it was heard.
    Reset,
    /// 200 with a body that never ends.
    Endless,
}

/// A request that a receiver got.
#[derive(Clone, Debug)]
pub struct Received {
    pub at: OffsetDateTime,
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Why the real service would refuse it; `None` if it would not.
    pub fault: Option<String>,
    /// The status it was answered with; `None` if it got none.
    pub status: Option<u16>,
}

impl Received {
    /// The body as JSON, null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header's text, empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The id by which a receiver recognises a repeat: `webhook-id`, or `Idempotency-Key`; empty when there is none.
    pub fn id(&self) -> &str {
        match self.header("webhook-id") {
            "" => self.header("idempotency-key"),
            id => id,
        }
    }

    /// All strings in the JSON body, line by line: what a person would get to see, and more.
    pub fn text(&self) -> String {
        fn collect(value: &Value, into: &mut Vec<String>) {
            match value {
                Value::String(text) => into.push(text.clone()),
                Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
                Value::Object(fields) => fields.values().for_each(|item| collect(item, into)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        let mut lines = Vec::new();
        collect(&self.json(), &mut lines);
        lines.join("\n")
    }

    /// Whether it was good and was answered with a success.
    pub fn accepted(&self) -> bool {
        self.fault.is_none() && self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Receiver {
    /// A Slack incoming webhook: 200 `ok`, 400 with Slack's word for what is wrong.
    pub async fn slack() -> Self {
        Self::start(
            "127.0.0.1:0",
            Kind::Slack,
            "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        )
        .await
    }

    /// The same on an address of the caller's choice.
    pub async fn slack_at(addr: SocketAddr) -> Self {
        Self::start(
            &addr.to_string(),
            Kind::Slack,
            "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        )
        .await
    }

    /// A Discord webhook: 204, 400 with Discord's error object.
    pub async fn discord() -> Self {
        Self::start(
            "127.0.0.1:0",
            Kind::Discord,
            "/api/webhooks/100000000000000001/token-of-the-webhook",
        )
        .await
    }

    /// A receiver that verifies signatures with the published `standardwebhooks` crate: 204, or 401 with the reason.
    /// Without a secret (see [`Receiver::set_secret`]) every request is refused.
    pub async fn standard_webhooks(secret: Option<&str>) -> Self {
        let secret = Mutex::new(secret.map(ToOwned::to_owned));
        Self::start("127.0.0.1:0", Kind::StandardWebhooks(secret), "/hooks/sightline").await
    }

    /// Slack's API: 200, with what happened in the body. Its address is [`Receiver::url`].
    pub async fn slack_api() -> Self {
        Self::start(
            "127.0.0.1:0",
            Kind::SlackApi(slack_api::Workspace::default()),
            "/api",
        )
        .await
    }

    /// The webhook of a workflow of Teams: 202, or 400 for what is no card that Teams shows.
    pub async fn teams() -> Self {
        Self::start(
            "127.0.0.1:0",
            Kind::Teams,
            "/workflows/0f0f/triggers/manual/paths/invoke",
        )
        .await
    }

    /// PagerDuty's Events API v2: 202, or 400 for an invalid event.
    pub async fn pagerduty() -> Self {
        Self::start("127.0.0.1:0", Kind::Pagerduty, "").await
    }

    /// Opsgenie's Alert API: 202, or 422.
    pub async fn opsgenie() -> Self {
        Self::start("127.0.0.1:0", Kind::Opsgenie, "").await
    }

    /// Telegram's Bot API.
    pub async fn telegram() -> Self {
        Self::start("127.0.0.1:0", Kind::Telegram(AtomicI64::new(0)), "").await
    }

    /// A server of ntfy.
    pub async fn ntfy() -> Self {
        Self::start("127.0.0.1:0", Kind::Ntfy, "").await
    }

    async fn start(addr: &str, kind: Kind, path: &'static str) -> Self {
        let listener = TcpListener::bind(addr)
            .await
            .unwrap_or_else(|error| panic!("cannot listen on {addr}: {error}"));
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            kind,
            next: Mutex::default(),
            otherwise: Mutex::new(Answer::Usual),
            received: Mutex::default(),
        });
        let acceptor = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self {
            addr,
            path,
            shared,
            acceptor,
        }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address to configure as the channel's.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.addr, self.path)
    }

    /// The secret (`whsec_…`) that signatures are checked with from now on.
    pub fn set_secret(&self, secret: &str) {
        match &self.shared.kind {
            Kind::StandardWebhooks(known) => *lock(known) = Some(secret.to_owned()),
            _ => panic!("only a Standard Webhooks receiver has a secret"),
        }
    }

    /// Answers the next requests like this, one each, and those after them as before.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.shared.next).extend(answers);
    }

    /// Answers every request like this, after those that [`Receiver::answer_next`] still holds.
    pub fn answer_always(&self, answer: Answer) {
        *lock(&self.shared.otherwise) = answer;
    }

    /// Every request so far, in the order of arrival, whatever the answer was.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// The requests after the first `seen` ones.
    pub fn received_after(&self, seen: usize) -> Vec<Received> {
        lock(&self.shared.received)
            .get(seen..)
            .unwrap_or_default()
            .to_vec()
    }

    /// The requests that were good and were answered with a success.
    pub fn accepted(&self) -> Vec<Received> {
        self.received().into_iter().filter(Received::accepted).collect()
    }

    /// Waits until at least `count` requests came, and gives all of them.
    #[track_caller]
    pub fn wait_for(&self, count: usize, deadline: Duration) -> impl Future<Output = Vec<Received>> {
        eventually(deadline, "requests at a receiver", async move || {
            let received = self.received();
            if received.len() >= count {
                return Ok(received);
            }
            let bodies: Vec<_> = received
                .iter()
                .map(|one| String::from_utf8_lossy(&one.body).into_owned())
                .collect();
            Err(format!("{} of {count} requests: {bodies:#?}", received.len()))
        })
    }

    /// Panics if the real service would have refused any request.
    #[track_caller]
    pub fn assert_no_faults(&self) {
        for one in self.received() {
            if let Some(fault) = &one.fault {
                panic!("refused as {fault:?}: {}", String::from_utf8_lossy(&one.body));
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// A panic in a test must not hide what was received.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, shared.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Ok(request) = http::read_request(&mut stream).await else {
        return;
    };
    let usual = shared.kind.check(&request);
    let scripted = lock(&shared.next).pop_front();
    let mut answer = scripted.unwrap_or_else(|| lock(&shared.otherwise).clone());
    let index = shared.record(request, &usual);
    while let Answer::Late(by, then) = answer {
        tokio::time::sleep(by).await;
        answer = *then;
    }
    if let Some(status) = answer.status(&usual) {
        lock(&shared.received)[index].status = Some(status);
    }
    http::answer(&mut stream, &answer, &usual).await;
}

impl Shared {
    fn record(&self, request: Request, usual: &Verdict) -> usize {
        let mut received = lock(&self.received);
        received.push(Received {
            at: OffsetDateTime::now_utc(),
            method: request.method,
            path: request.path,
            headers: request.headers,
            body: request.body,
            fault: usual.fault.clone(),
            status: None,
        });
        received.len() - 1
    }
}

impl Answer {
    fn status(&self, usual: &Verdict) -> Option<u16> {
        match self {
            Self::Usual => Some(usual.status),
            Self::Status(status) | Self::RetryAfter(status, _) => Some(*status),
            Self::Redirect(_) => Some(307),
            Self::HangAfterHeaders | Self::Endless => Some(200),
            Self::Late(_, then) => then.status(usual),
            Self::Silence | Self::Reset => None,
        }
    }
}

/// What the real service would say.
struct Verdict {
    status: u16,
    content_type: &'static str,
    body: String,
    fault: Option<String>,
}

impl Kind {
    fn check(&self, request: &Request) -> Verdict {
        if request.method != "POST" {
            return Verdict {
                status: 405,
                content_type: "text/plain",
                body: String::new(),
                fault: Some(format!("{} instead of POST", request.method)),
            };
        }
        match self {
            Self::Slack => slack::verdict(request),
            Self::Discord => discord::verdict(request),
            Self::SlackApi(workspace) => slack_api::verdict(request, workspace),
            Self::Teams => teams::verdict(request),
            Self::Pagerduty => pagers::pagerduty(request),
            Self::Opsgenie => pagers::opsgenie(request),
            Self::Telegram(messages) => chats::telegram(request, messages),
            Self::Ntfy => chats::ntfy(request),
            Self::StandardWebhooks(secret) => standard_webhooks::verdict(request, lock(secret).as_deref()),
        }
    }
}
