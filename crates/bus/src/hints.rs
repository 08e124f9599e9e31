//! Hints that the counts of a scope changed: fire and forget, at most one a second per scope.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::events::{Envelope, Event};
use domain::ids::EventId;
use domain::scope::Scope;
use futures_util::{StreamExt, stream};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::coalescer::{Coalescer, Taken};
use crate::metrics::{self, Hinted};
use crate::publisher::Publisher;

/// At most one event per scope in this time, as the event contract says.
const INTERVAL: Duration = Duration::from_secs(1);
/// Scopes that may have been active within the last second; about 2 MB. Hints for more are dropped and counted.
const MAX_SCOPES: usize = 10_000;
/// Events under way at once: as many as the publisher has lanes.
const CONCURRENCY: usize = 8;

/// Publishes `logs.counted`. Cheap to clone; ends with the last clone, after what was still waiting.
#[derive(Clone)]
pub struct HintPublisher {
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
    _last_clone: Arc<DropGuard>,
}

struct Shared {
    scopes: Mutex<Coalescer<Scope>>,
    changed: Notify,
}

impl HintPublisher {
    /// `now` stamps the events.
    pub fn start(publisher: Publisher, now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        let scopes = Mutex::new(Coalescer::new(INTERVAL, MAX_SCOPES));
        let shared = Arc::new(Shared {
            scopes,
            changed: Notify::new(),
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(shared.clone(), publisher, now, stop.clone()));
        Self {
            shared,
            _last_clone: Arc::new(stop.clone().drop_guard()),
            stop,
            task: Arc::new(Mutex::new(Some(task))),
        }
    }

    /// Says that the counts of this scope changed. Never waits and never fails: the first hint of a scope is published at
    /// once, those within the second after it become one event when the second is over. While the broker is away hints
    /// are dropped and counted, since the sweep evaluates what no event announced.
    pub fn hint(&self, scope: Scope) {
        // The time is read under the lock, so that it never runs backwards in there.
        let taken = self.shared.lock().hint(scope, Instant::now());
        match taken {
            Taken::New => self.shared.changed.notify_one(),
            Taken::Merged => metrics::hinted(Hinted::Merged),
            Taken::Overflowed => metrics::hinted(Hinted::Overflowed),
        }
    }

    /// Publishes what waits, and ends. Later hints go nowhere.
    pub async fn close(&self) {
        self.stop.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Coalescer<Scope>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn next_due(&self) {
        let next = self.lock().next_due();
        match next {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }
}

async fn run(
    shared: Arc<Shared>,
    publisher: Publisher,
    now: impl Fn() -> OffsetDateTime + Send + Sync + 'static,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = shared.changed.notified() => {}
            () = shared.next_due() => {}
        }
        let due = shared.lock().take_due(Instant::now());
        publish_all(&publisher, due, now()).await;
    }
    let rest = shared.lock().take_all();
    publish_all(&publisher, rest, now()).await;
}

async fn publish_all(publisher: &Publisher, scopes: Vec<Scope>, now: OffsetDateTime) {
    let publishing = stream::iter(scopes).for_each_concurrent(CONCURRENCY, async |scope| {
        let outcome = match publisher.publish(&logs_counted(scope, now)).await {
            Ok(()) => Hinted::Published,
            Err(error) => {
                tracing::debug!(%error, "a hint was dropped: {error}");
                Hinted::Dropped
            }
        };
        metrics::hinted(outcome);
    });
    publishing.await;
}

fn logs_counted(scope: Scope, now: OffsetDateTime) -> Envelope {
    let Scope {
        org_id,
        service_id,
        environment_id,
    } = scope;
    Envelope {
        event_id: EventId::generate(),
        occurred_at: now,
        correlation_id: None,
        event: Event::LogsCountedV1 {
            org_id,
            service_id,
            environment_id,
        },
    }
}
