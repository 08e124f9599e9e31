//! Whether PostgreSQL keeps what it commits. On one that may forget it in a crash, a 2xx would be a lie.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::DbError;
use service_kit::{ApiError, Kit};

const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// While the answer is not known, or not the right one.
const LOOK_SOON: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Durability(Arc<AtomicBool>);

impl Durability {
    /// Takes it for granted when it is not required; otherwise the service is reluctant until it is proven.
    pub(crate) fn new(required: bool, kit: &Kit) -> Self {
        if required {
            let unknown = "it is not known yet whether PostgreSQL keeps commits through a crash";
            kit.reluctance.send_replace(Some(unknown.to_owned()));
        }
        Self(Arc::new(AtomicBool::new(!required)))
    }

    /// Refuses a request as long as durability is required and not proven.
    pub(crate) fn require(&self) -> Result<(), ApiError> {
        if self.0.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(ApiError::Busy {
            message: "logs are not accepted until PostgreSQL is known to keep them through a crash; /readyz says more"
                .to_owned(),
            retry_after_s: 5,
        })
    }

    /// Asks PostgreSQL again and again: settings can be changed while it runs.
    pub(crate) async fn watch(self, kit: Kit) {
        loop {
            let pause = self.look(&kit).await;
            let sleeping = kit.stopping.run_until_cancelled(tokio::time::sleep(pause));
            if sleeping.await.is_none() {
                return;
            }
        }
    }

    async fn look(&self, kit: &Kit) -> Duration {
        match kit.db.check_durable().await {
            Ok(()) => {
                self.0.store(true, Ordering::Relaxed);
                kit.reluctance.send_replace(None);
                LOOK_AGAIN
            }
            Err(error @ DbError::NotDurable(_)) => {
                self.0.store(false, Ordering::Relaxed);
                let reason = format!(
                    "{error}; turn it on, or set REQUIRE_DURABLE_POSTGRES=false for a throw-away database"
                );
                let before = kit.reluctance.send_replace(Some(reason.clone()));
                if before.as_ref() != Some(&reason) {
                    tracing::error!("no logs are accepted: {reason}");
                }
                LOOK_SOON
            }
            // Away: what was known of it holds until it is back, and nothing can be stored meanwhile.
            Err(_) => LOOK_SOON,
        }
    }
}
