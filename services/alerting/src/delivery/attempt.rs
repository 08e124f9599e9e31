//! One attempt to deliver one notification, under a lease.

use std::time::Duration;

use db::incidents::events::{self, NewEvent};
use db::notification_jobs::attempts::{self, Claim, Outcome, Started};
use db::{DbError, TenantTx, causes, notification_channels};
use domain::alerting::delivery::{AttemptOutcome, NextStep, RetryPolicy};
use domain::alerting::incident::EventKind;
use domain::alerting::notification::{Links, Message, Notification, NotifiedTransition};
use rand::RngExt as _;
use serde_json::json;
use service_kit::Kit;
use tokio::time::Instant;

use super::{Envelope, Sent};
use crate::acknowledge_link::Acknowledgement;
use crate::app::State;
use crate::channel_config::ChannelConfig;
use crate::context::lines;
use crate::links;
use crate::{metrics, pausing};

/// Between tries to reach a database that is away or busy.
const AGAIN: Duration = Duration::from_millis(300);

pub(super) struct Attempt<'a> {
    pub(super) kit: &'a Kit,
    pub(super) state: &'a State,
    pub(super) claim: Claim,
    /// From then on another worker may have the job.
    pub(super) lease_end: Instant,
}

impl Attempt<'_> {
    pub(super) async fn run(&self) -> Result<(), DbError> {
        // So early that the whole request still fits into the lease.
        let latest_start = self.lease_end - self.state.notify_timeout;
        let started = loop {
            let result = self.start().await;
            if !self.waits_for(&result, latest_start).await {
                break result?;
            }
        };
        let Some(started) = started else { return Ok(()) };
        let sent = self.send(&started).await;
        let next = self.state.retries.next(
            sent.outcome.outcome,
            started.attempt_of_schedule.unsigned_abs(),
            rand::rng().random(),
            sent.retry_after,
            started.on_unknown.repeats(started.channel_type),
        );
        self.tell_operators(&started, &sent.outcome);
        // An answer that is forgotten is a page sent twice.
        loop {
            let result = self.record(&started, &sent, next).await;
            if !self.waits_for(&result, self.lease_end).await {
                break result;
            }
        }
    }

    /// Whether it is worth trying again: the database is away or busy, and there is time before `end`. Waits a little
    /// if so.
    async fn waits_for<T>(&self, result: &Result<T, DbError>, end: Instant) -> bool {
        let passing = result.as_ref().is_err_and(DbError::is_unavailable);
        let again = passing && Instant::now() + AGAIN < end;
        if again {
            tokio::time::sleep(AGAIN).await;
        }
        again
    }

    async fn start(&self) -> Result<Option<Started>, DbError> {
        let _turn = self.state.ledger.acquire().await;
        let mut conn = self.kit.db.conn("alerting.start_attempt").await?;
        let tx = conn.tenant(self.claim.org_id).await?;
        let started = attempts::start(&tx, self.claim).await?;
        tx.commit().await?;
        Ok(started)
    }

    async fn send(&self, started: &Started) -> Sent {
        let refused = |detail| Sent::nothing(AttemptOutcome::Refused, detail);
        if !started.channel_enabled {
            return refused("not sent: the channel was disabled or deleted meanwhile");
        }
        if RetryPolicy::is_exhausted(started.attempt_of_schedule.unsigned_abs().saturating_sub(1)) {
            return refused("not sent: the workers of all attempts before ended without an answer");
        }
        if started.may_have_arrived && !started.on_unknown.repeats(started.channel_type) {
            let detail = "not sent again: an earlier attempt may have arrived, and the channel's policy is at_most_once";
            return Sent::nothing(AttemptOutcome::Unknown, detail);
        }
        let Some(config) = self.open_config(started) else {
            return refused("not sent: the channel's configuration cannot be read; enter it again");
        };
        let Ok(mut notification) = serde_json::from_value::<Notification>(started.message.clone()) else {
            // A newer version wrote it, and its replicas may take it the next time.
            let detail = "not sent: this version cannot read the message";
            return Sent::nothing(AttemptOutcome::Failed, detail);
        };
        if started.attempt == 1 && notification.transition.is_page() && notification.samples.is_empty() {
            notification.samples = self.samples(started).await;
        }
        let acknowledge = self.acknowledge_link(started, notification.transition);
        let message = Message::Incident {
            notification: &notification,
            links: Links {
                incident: &links::incident(&self.state.public_url, started.incident_id),
                acknowledge: acknowledge.as_deref(),
            },
        };
        let envelope = Envelope {
            id: &self.claim.job_id.to_string(),
            message,
            opening_ref: started.opening_ref.as_deref(),
        };
        self.state.sender.send(&config, envelope).await
    }

    /// Some lines to show with a page, kept for its retries; none where they are not found at once, since a page waits for
    /// nothing.
    async fn samples(&self, started: &Started) -> Vec<String> {
        match self.find_samples(started).await {
            Ok(samples) => samples,
            Err(error) => {
                tracing::debug!(error = causes::chain(&error), "a page goes without sample lines");
                Vec::new()
            }
        }
    }

    async fn find_samples(&self, started: &Started) -> Result<Vec<String>, DbError> {
        // Others look back: it would have to wait for them.
        let Ok(_turn) = self.state.looking_back.try_acquire() else {
            return Ok(Vec::new());
        };
        let mut conn = self.kit.db.conn("alerting.samples").await?;
        let look = lines::samples(&mut conn, self.state, self.claim.org_id, started.incident_id);
        let Ok(samples) = tokio::time::timeout(lines::SAMPLES_WITHIN, look).await else {
            // A statement may still run on it.
            conn.discard();
            return Ok(Vec::new());
        };
        let samples = samples?;
        if !samples.is_empty() {
            let tx = conn.tenant(self.claim.org_id).await?;
            attempts::keep_samples(&tx, started, &samples).await?;
            tx.commit().await?;
        }
        Ok(samples)
    }

    /// Where the addressee says that they look after it; of an incident that calls people.
    fn acknowledge_link(&self, started: &Started, transition: NotifiedTransition) -> Option<String> {
        let link = Acknowledgement {
            org_id: self.claim.org_id,
            incident_id: started.incident_id,
            channel_id: started.channel_id,
        };
        let State {
            sealer, public_url, ..
        } = self.state;
        transition
            .is_page()
            .then(|| link.link(sealer, public_url, self.kit.clock.now()))?
    }

    fn open_config(&self, started: &Started) -> Option<ChannelConfig> {
        let channel_id = started.channel_id;
        let opened = ChannelConfig::open(
            &self.state.sealer,
            self.claim.org_id,
            channel_id,
            started.channel_type,
            &started.config_sealed,
        );
        opened
            .inspect_err(|error| {
                tracing::error!(
                    error = causes::chain(error),
                    channel.id = %channel_id,
                    "the configuration of channel {channel_id} does not open"
                );
            })
            .ok()
    }

    fn tell_operators(&self, started: &Started, outcome: &Outcome) {
        let (job_id, word) = (self.claim.job_id, outcome.outcome.as_str());
        metrics::delivered(started.channel_type, outcome.outcome, outcome.duration);
        tracing::info!(
            notification.id = %job_id,
            org.id = %self.claim.org_id,
            outcome = word,
            attempt = started.attempt,
            duration_ms = outcome.duration.as_millis() as u64,
            "notification {job_id}: {word}",
        );
    }

    async fn record(&self, started: &Started, sent: &Sent, next: NextStep) -> Result<(), DbError> {
        let outcome = &sent.outcome;
        let _turn = self.state.ledger.acquire().await;
        let mut conn = self.kit.db.conn("alerting.record_attempt").await?;
        let tx = conn.tenant(self.claim.org_id).await?;
        if !attempts::record(&tx, started, outcome, next).await? {
            let job_id = self.claim.job_id;
            tracing::warn!(notification.id = %job_id, "notification {job_id} is another worker's by now");
            return Ok(());
        }
        let (kind, message) = told(started, outcome, next);
        let event = NewEvent {
            kind,
            actor: None,
            message: &message,
            details: json!({
                "notification_id": self.claim.job_id,
                "channel_id": started.channel_id,
                "transition": started.transition,
                "attempt": started.attempt,
                "outcome": outcome.outcome,
                "http_status": outcome.http_status,
            }),
        };
        events::add(&tx, started.incident_id, &event).await?;
        let paused = self.judge_channel(&tx, started, sent).await?;
        tx.commit().await?;
        if paused {
            self.state.wake();
        }
        Ok(())
    }

    /// Counts the outcome for or against the channel; whether it is paused now.
    async fn judge_channel(
        &self,
        tx: &TenantTx<'_>,
        started: &Started,
        sent: &Sent,
    ) -> Result<bool, DbError> {
        if !sent.tried {
            return Ok(false);
        }
        if sent.outcome.outcome == AttemptOutcome::Sent {
            notification_channels::note_success(tx, started.channel_id).await?;
            return Ok(false);
        }
        pausing::note_failure(
            tx,
            started.channel_id,
            &started.channel_name,
            sent.outcome.http_status,
            self.state.channel_patience,
        )
        .await
    }
}

/// How the timeline tells an attempt.
fn told(started: &Started, outcome: &Outcome, next: NextStep) -> (EventKind, String) {
    let transition: Option<NotifiedTransition> = started.transition.parse().ok();
    let what = match transition {
        Some(transition) => transition.in_words(),
        None => started.transition.as_str(),
    };
    let channel = &started.channel_name;
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
        NextStep::LeaveUnknown => (
            EventKind::NotificationUnknown,
            format!("nobody knows whether {channel} was told that the incident was {what}: {detail}"),
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
