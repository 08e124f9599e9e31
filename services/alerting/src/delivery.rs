//! Workers that deliver notifications: claim, start, send, record. Nothing is held while a receiver is waited for; a
//! worker that dies leaves a lease that runs out.

mod attempt;
mod sender;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use db::notification_jobs::attempts::{self, Claim};
use db::{DbError, causes};
use service_kit::Kit;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

pub(crate) use self::sender::{Envelope, InvalidMailSettings, MailSettings, Mailer, Sender, Sent};
use crate::app::State;

/// How long a due notification waits if nobody wakes the workers.
const POLL: Duration = Duration::from_millis(400);
/// Requests under way in one process. They wait for receivers and hold nothing, so there may be many.
const MAX_IN_FLIGHT: usize = 256;
/// Claimed at once.
const BATCH: usize = 64;
/// Of one channel at a time: a receiver that hangs keeps nobody else's pages.
const PER_CHANNEL: i32 = 8;
/// What a lease lasts beyond the time for a request: starting and recording, with a slow database.
const LEASE_MARGIN: Duration = Duration::from_secs(20);

/// Delivers until the service stops; then waits for what is under way.
pub(crate) async fn run(kit: Kit, state: web::Data<State>) {
    let slots = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    while !kit.stopping.is_cancelled() {
        let claimed = match claim(&kit, &state, &slots).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(error = causes::chain(&error), "notifications are put off");
                0
            }
        };
        // A full batch: there is more.
        if claimed == BATCH {
            continue;
        }
        tokio::select! {
            () = kit.stopping.cancelled() => {}
            () = state.deliveries.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Claims as many jobs as there are free slots and starts them; returns how many.
async fn claim(kit: &Kit, state: &web::Data<State>, slots: &Arc<Semaphore>) -> Result<usize, DbError> {
    let free = slots.available_permits().min(BATCH);
    if free == 0 {
        return Ok(0);
    }
    let lease = state.notify_timeout + LEASE_MARGIN;
    // Counted from before the claim: our end of the lease lies before the database's.
    let lease_end = Instant::now() + lease;
    let conn = kit.db.conn("alerting.claim").await?;
    let claims = attempts::claim_all_orgs(&conn, free as i32, lease, PER_CHANNEL).await?;
    drop(conn);
    let count = claims.len();
    for claim in claims {
        // Only this loop takes slots, and it counted them.
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            break;
        };
        let work = deliver(kit.clone(), state.clone(), claim, lease_end, slot);
        kit.tasks.spawn(work);
    }
    Ok(count)
}

async fn deliver(
    kit: Kit,
    state: web::Data<State>,
    claim: Claim,
    lease_end: Instant,
    slot: OwnedSemaphorePermit,
) {
    let attempt = attempt::Attempt {
        kit: &kit,
        state: &state,
        claim,
        lease_end,
    };
    if let Err(error) = attempt.run().await {
        // The lease runs out, and another attempt follows.
        let job_id = claim.job_id;
        tracing::warn!(error = causes::chain(&error), notification.id = %job_id, "notification {job_id} is put off");
    }
    drop(slot);
    // The next notification of the same incident and channel may have waited for this one.
    state.deliveries.notify_one();
}
