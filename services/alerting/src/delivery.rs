//! Workers that deliver notifications: claim, start, send, record. Nothing is held while a receiver is waited for; a
//! worker that dies leaves a lease that runs out.

mod sender;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use db::DbError;
use db::incidents::events::{self, NewEvent};
use db::notification_jobs::attempts::{self, Claim, Outcome, Started};
use domain::alerting::delivery::{AttemptOutcome, NextStep, RetryPolicy};
use domain::alerting::incident::EventKind;
use domain::alerting::notification::{Message, Notification};
use rand::RngExt as _;
use serde_json::json;
use service_kit::Kit;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::sender::{Sender, Sent};
use crate::app::State;
use crate::channel_config::ChannelConfig;
use crate::links;
use crate::metrics;

/// How long a due notification waits if nobody wakes the workers.
const POLL: Duration = Duration::from_millis(400);
/// Requests under way in one process. They wait for receivers and hold nothing, so there may be many.
const MAX_IN_FLIGHT: usize = 256;
/// Claimed at once.
const BATCH: usize = 64;
/// Of one channel at a time: a receiver that hangs keeps nobody else's pages.
const PER_CHANNEL: i32 = 4;
/// What a lease lasts beyond the time for a request: starting and recording, with a slow database.
const LEASE_MARGIN: Duration = Duration::from_secs(20);
/// Between tries to record an outcome, while the database is away.
const RECORD_AGAIN: Duration = Duration::from_millis(500);

/// Delivers until the service stops; then waits for what is under way.
pub(crate) async fn run(kit: Kit, state: web::Data<State>) {
    let slots = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    while !kit.stopping.is_cancelled() {
        let claimed = match claim(&kit, &state, &slots).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "notifications are put off");
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
    let conn = kit.db.conn("alerting.claim").await?;
    let claims = attempts::claim_all_orgs(&conn, free as i32, lease, PER_CHANNEL).await?;
    drop(conn);
    let count = claims.len();
    for claim in claims {
        // Only this loop takes slots, and it counted them.
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            break;
        };
        kit.tasks.spawn(deliver(kit.clone(), state.clone(), claim, slot));
    }
    Ok(count)
}

async fn deliver(kit: Kit, state: web::Data<State>, claim: Claim, slot: OwnedSemaphorePermit) {
    if let Err(error) = attempt(&kit, &state, claim).await {
        // The lease runs out, and another attempt follows.
        let job_id = claim.job_id;
        tracing::warn!(error = &error as &dyn Error, notification.id = %job_id, "notification {job_id} is put off");
    }
    drop(slot);
    // The next notification of the same incident and channel may have waited for this one.
    state.deliveries.notify_one();
}

async fn attempt(kit: &Kit, state: &State, claim: Claim) -> Result<(), DbError> {
    let mut conn = kit.db.conn("alerting.start_attempt").await?;
    let tx = conn.tenant(claim.org_id).await?;
    let Some(started) = attempts::start(&tx, claim).await? else {
        return Ok(());
    };
    tx.commit().await?;
    drop(conn);
    let sent = send(state, claim, &started).await;
    let next = next_step(state, &started, &sent);
    metrics::delivered(started.channel_type, sent.outcome.outcome, sent.outcome.duration);
    tracing::info!(
        notification.id = %claim.job_id,
        org.id = %claim.org_id,
        outcome = sent.outcome.outcome.as_str(),
        attempt = started.attempt,
        duration_ms = sent.outcome.duration.as_millis() as u64,
        "notification {}: {}",
        claim.job_id,
        sent.outcome.outcome.as_str(),
    );
    record_surely(kit, claim, &started, &sent.outcome, next).await
}

async fn send(state: &State, claim: Claim, started: &Started) -> Sent {
    let refused = |detail| Sent::nothing(AttemptOutcome::Refused, detail);
    if !started.channel_enabled {
        return refused("not sent: the channel was disabled or deleted meanwhile");
    }
    if RetryPolicy::is_exhausted(started.attempt_of_schedule.unsigned_abs().saturating_sub(1)) {
        return refused("not sent: the workers of all attempts before ended without an answer");
    }
    let config = ChannelConfig::open(
        &state.sealer,
        claim.org_id,
        started.channel_id,
        started.channel_type,
        &started.config_sealed,
    );
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            let channel_id = started.channel_id;
            tracing::error!(error = &error as &dyn Error, channel.id = %channel_id, "channel {channel_id} does not open");
            return refused("not sent: the channel's configuration cannot be read; enter it again");
        }
    };
    let Ok(notification) = serde_json::from_value::<Notification>(started.message.clone()) else {
        // A newer version wrote it, and its replicas may take it the next time.
        return Sent::nothing(
            AttemptOutcome::Failed,
            "not sent: this version cannot read the message",
        );
    };
    let link = links::incident(&state.public_url, started.incident_id);
    let message = Message::Incident {
        notification: &notification,
        link: &link,
    };
    state
        .sender
        .send(&config, &claim.job_id.to_string(), message)
        .await
}

fn next_step(state: &State, started: &Started, sent: &Sent) -> NextStep {
    state.retries.next(
        sent.outcome.outcome,
        started.attempt_of_schedule.unsigned_abs(),
        rand::rng().random(),
        sent.retry_after,
    )
}

/// Records an outcome, also when the database is away for a moment: an answer that is forgotten is a page sent twice.
/// Gives up when the lease is over, since the job is another worker's then.
async fn record_surely(
    kit: &Kit,
    claim: Claim,
    started: &Started,
    outcome: &Outcome,
    next: NextStep,
) -> Result<(), DbError> {
    let end = tokio::time::Instant::now() + LEASE_MARGIN;
    loop {
        match record(kit, claim, started, outcome, next).await {
            Err(error) if error.is_unavailable() && tokio::time::Instant::now() < end => {
                tokio::time::sleep(RECORD_AGAIN).await;
            }
            result => return result,
        }
    }
}

async fn record(
    kit: &Kit,
    claim: Claim,
    started: &Started,
    outcome: &Outcome,
    next: NextStep,
) -> Result<(), DbError> {
    let mut conn = kit.db.conn("alerting.record_attempt").await?;
    let tx = conn.tenant(claim.org_id).await?;
    if !attempts::record(&tx, started, outcome, next).await? {
        let job_id = claim.job_id;
        tracing::warn!(notification.id = %job_id, "the lease of notification {job_id} ran out before its outcome was known");
        return Ok(());
    }
    let (kind, message) = told(started, outcome, next);
    let event = NewEvent {
        kind,
        actor: None,
        message: &message,
        details: json!({
            "notification_id": claim.job_id,
            "channel_id": started.channel_id,
            "transition": started.transition,
            "attempt": started.attempt,
            "outcome": outcome.outcome,
            "http_status": outcome.http_status,
        }),
    };
    events::add(&tx, started.incident_id, &event).await?;
    tx.commit().await
}

/// How the timeline tells an attempt.
fn told(started: &Started, outcome: &Outcome, next: NextStep) -> (EventKind, String) {
    let (channel, what) = (&started.channel_name, &started.transition);
    let detail = &outcome.detail;
    match next {
        NextStep::Sent => (
            EventKind::NotificationSent,
            format!("told {channel} that the incident was {what}: {detail}"),
        ),
        NextStep::Dead => (
            EventKind::NotificationDead,
            format!("gave up telling {channel} that the incident was {what}: {detail}"),
        ),
        NextStep::RetryIn(delay) => (
            EventKind::NotificationFailed,
            format!(
                "could not tell {channel} that the incident was {what}: {detail}; trying again in {:.0} s",
                delay.as_secs_f64()
            ),
        ),
    }
}
