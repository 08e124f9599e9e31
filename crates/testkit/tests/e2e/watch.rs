//! A request to each service again and again, while the test breaks something. Nothing but a success, or a 503 that
//! says when to come back, is an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Service, Stack, eventually};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::company::{Company, INGEST};

/// No service keeps anybody waiting for longer, whatever is away.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Watch {
    seen: Vec<(Service, Arc<Seen>)>,
    stopping: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    served: AtomicUsize,
    put_off: AtomicUsize,
}

/// A request that needs the database.
fn request(service: Service) -> (Method, &'static str, Option<Value>) {
    match service {
        Service::Query => (Method::GET, "/api/logs/query?q=needle", None),
        Service::Ingest => (Method::POST, INGEST, Some(json!({"message": "watched"}))),
        Service::Identity => (Method::GET, "/api/me", None),
        Service::Alerting => (Method::GET, "/api/incidents", None),
        Service::Webhook => (
            Method::POST,
            "/api/v1/deployments",
            Some(json!({"status": "in_progress"})),
        ),
    }
}

impl Watch {
    /// Starts calling these services.
    pub(crate) fn start(stack: &Stack, company: &Company, services: &[Service]) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        let mut seen = Vec::new();
        for service in services.iter().copied() {
            let of_service = Arc::new(Seen::default());
            let session = company.admin.at(stack.process(service, 0).base());
            let caller = session.with_api_key(&company.api_key);
            callers.spawn(call(service, caller, of_service.clone(), stopping.clone()));
            seen.push((service, of_service));
        }
        Self {
            seen,
            stopping,
            callers,
        }
    }

    /// Waits until every watched service has put somebody off.
    pub(crate) async fn everything_is_put_off(&self, within: Duration) {
        self.each_rises(within, "be put off", |seen| &seen.put_off).await;
    }

    /// Waits until every watched service has served somebody after now.
    pub(crate) async fn everything_is_served(&self, within: Duration) {
        self.each_rises(within, "be served", |seen| &seen.served).await;
    }

    async fn each_rises(&self, within: Duration, what: &str, counter: impl Fn(&Seen) -> &AtomicUsize) {
        let counts = || {
            self.seen
                .iter()
                .map(|(_, seen)| counter(seen).load(Ordering::Relaxed))
        };
        let before: Vec<usize> = counts().collect();
        eventually(
            within,
            &format!("callers of every service to {what}"),
            async || {
                let risen: Vec<bool> = counts().zip(&before).map(|(now, before)| now > *before).collect();
                let missing: Vec<Service> = self
                    .seen
                    .iter()
                    .zip(&risen)
                    .filter(|(_, risen)| !**risen)
                    .map(|((service, _), _)| *service)
                    .collect();
                if missing.is_empty() {
                    Ok(())
                } else {
                    Err(format!("not yet at {missing:?}"))
                }
            },
        )
        .await;
    }

    /// Stops. Panics if any answer was neither a success nor a 503, or came late.
    pub(crate) async fn stop(mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
    }
}

async fn call(service: Service, caller: Client, seen: Arc<Seen>, stopping: Arc<AtomicBool>) {
    let (method, path, body) = request(service);
    while !stopping.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let reply = caller.call(method.clone(), path, body.clone()).await;
        let took = begun.elapsed();
        assert!(
            took < LONGEST_ANSWER,
            "{service:?} kept its caller waiting for {took:?}"
        );
        if reply.is_success() {
            seen.served.fetch_add(1, Ordering::Relaxed);
        } else {
            reply.assert_error(503, "UNAVAILABLE", "");
            assert_ne!(
                reply.header("retry-after"),
                "",
                "a 503 of {service:?} says when to come back"
            );
            seen.put_off.fetch_add(1, Ordering::Relaxed);
        }
        sleep(PAUSE).await;
    }
}
