//! When logs may be accepted: once today's partition is made, and only on a PostgreSQL that keeps what it commits.
//!
//! On one that may forget it in a crash, a 2xx would be a lie. A line that came before its day's partition would keep that
//! partition from being made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::DbError;
use logstore::maintenance;
use service_kit::{ApiError, Kit};

const LOOK_AGAIN: Duration = Duration::from_mins(1);
const MAKE_AGAIN: Duration = Duration::from_hours(1);
/// While PostgreSQL is away, busy, or not as it must be.
const SOON: Duration = Duration::from_secs(1);

/// Closed at first. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gate {
    kit: Kit,
    durable: Arc<AtomicBool>,
    partitioned: Arc<AtomicBool>,
}

impl Gate {
    /// Durability is taken for granted when it is not required.
    pub(crate) fn new(kit: Kit, requires_durability: bool) -> Self {
        let gate = Self {
            kit,
            durable: Arc::new(AtomicBool::new(!requires_durability)),
            partitioned: Arc::default(),
        };
        gate.show("PostgreSQL has not been looked at yet");
        gate
    }

    /// Refuses a request while the gate is closed.
    pub(crate) fn require_open(&self) -> Result<(), ApiError> {
        if self.is_open() {
            return Ok(());
        }
        Err(ApiError::Busy {
            message: "logs are not accepted yet, since PostgreSQL is not ready for them; /readyz says why"
                .to_owned(),
            retry_after_s: 5,
        })
    }

    /// Opens the gate if PostgreSQL is there and as it must be; otherwise the watchers below will.
    pub(crate) async fn try_open(&self, requires_durability: bool) {
        const PATIENCE: Duration = Duration::from_secs(5);
        let both = async {
            if requires_durability {
                self.look_at_durability().await;
            }
            self.make_partitions().await;
        };
        // A silent server is no reason not to start.
        let _ = tokio::time::timeout(PATIENCE, both).await;
    }

    /// Looks again and again: settings can be changed while PostgreSQL runs.
    pub(crate) async fn watch_durability(self) {
        let stopping = self.kit.stopping.clone();
        let watching = async {
            loop {
                tokio::time::sleep(self.look_at_durability().await).await;
            }
        };
        stopping.run_until_cancelled(watching).await;
    }

    /// Keeps day partitions ahead of the lines. Every replica does: it costs nothing when they are there.
    pub(crate) async fn keep_partitions(self) {
        let stopping = self.kit.stopping.clone();
        let keeping = async {
            loop {
                tokio::time::sleep(self.make_partitions().await).await;
            }
        };
        stopping.run_until_cancelled(keeping).await;
    }

    async fn look_at_durability(&self) -> Duration {
        match self.kit.db.check_durable().await {
            Ok(()) => {
                self.durable.store(true, Ordering::Relaxed);
                self.show("today's partition is not made yet");
                LOOK_AGAIN
            }
            Err(error @ DbError::NotDurable(_)) => {
                self.durable.store(false, Ordering::Relaxed);
                self.show(&format!(
                    "{error}; turn it on, or set REQUIRE_DURABLE_POSTGRES=false for a throw-away database"
                ));
                SOON
            }
            // Away: what was known of it holds until it is back, and nothing can be stored meanwhile.
            Err(_) => SOON,
        }
    }

    async fn make_partitions(&self) -> Duration {
        let pause = match maintenance::make_partitions(&self.kit.db).await {
            Ok(partitions) => {
                report_skipped(partitions.skipped);
                MAKE_AGAIN
            }
            Err(error) => {
                tracing::warn!(
                    error = db::causes::chain(&error),
                    "day partitions were not made: {error}"
                );
                if error.is_unavailable() {
                    return SOON;
                }
                // Time will not mend it, and lines can be stored all the same: the default partition takes them.
                LOOK_AGAIN
            }
        };
        self.partitioned.store(true, Ordering::Relaxed);
        self.show("it is not known yet whether PostgreSQL keeps commits through a crash");
        pause
    }

    fn is_open(&self) -> bool {
        self.durable.load(Ordering::Relaxed) && self.partitioned.load(Ordering::Relaxed)
    }

    /// Tells `/readyz` why the gate is closed, if it is, and the log when that changes.
    fn show(&self, reason: &str) {
        let now = (!self.is_open()).then(|| reason.to_owned());
        let before = self.kit.reluctance.send_replace(now.clone());
        match now {
            Some(reason) if before.as_ref() != Some(&reason) => {
                tracing::warn!("no logs are accepted: {reason}");
            }
            None if before.is_some() => tracing::info!("logs are accepted"),
            _ => {}
        }
    }
}

fn report_skipped(days: i32) {
    metrics::gauge!("ingest_partition_days_skipped").set(f64::from(days));
    if days > 0 {
        tracing::warn!(days, "{days} days have their lines in the default partition");
    }
}
