//! Claim, start, record: what workers do with the ledger. A claim is a lease with a token; only its holder may record.

use std::time::Duration;

use domain::alerting::channel::{ChannelType, OnUnknown};
use domain::alerting::delivery::{AttemptOutcome, NextStep};
use domain::ids::{ChannelId, IncidentId, NotificationJobId, OrgId};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx};

/// A job that this process may work on until the lease runs out.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub org_id: OrgId,
    pub job_id: NotificationJobId,
    pub lease_token: Uuid,
}

/// Takes at most `batch` due jobs, of which at most `per_channel` are out for one channel at a time.
pub async fn claim_all_orgs(
    conn: &Connection,
    batch: i32,
    lease: Duration,
    per_channel: i32,
) -> Result<Vec<Claim>, DbError> {
    const SQL: &str = "
        -- notification_jobs::attempts::claim_all_orgs
        SELECT org_id, job_id, lease_token FROM claim_notification_jobs($1, make_interval(secs => $2), $3)";
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn
        .query(&statement, &[&batch, &lease.as_secs_f64(), &per_channel])
        .await?;
    Ok(rows
        .iter()
        .map(|row| Claim {
            org_id: row.get("org_id"),
            job_id: row.get("job_id"),
            lease_token: row.get("lease_token"),
        })
        .collect())
}

/// What an attempt needs to know.
#[derive(Clone)]
pub struct Started {
    pub job_id: NotificationJobId,
    pub lease_token: Uuid,
    pub incident_id: IncidentId,
    /// `opened`, `resolved`: as stored, since a newer version may have written it. So is the message.
    pub transition: String,
    /// A `Notification`.
    pub message: Value,
    /// All attempts with this one, from 1.
    pub attempt: i32,
    /// Those of them since a person last revived the job.
    pub attempt_of_schedule: i32,
    pub channel_id: ChannelId,
    pub channel_name: String,
    pub channel_type: ChannelType,
    pub config_sealed: Vec<u8>,
    /// Whether the channel still wants messages: enabled and not deleted.
    pub channel_enabled: bool,
    pub on_unknown: OnUnknown,
    /// Whether an earlier attempt of the present schedule ended without an outcome, or with an unknown one.
    pub may_have_arrived: bool,
    /// How the receiver names the message that told the incident's opening.
    pub opening_ref: Option<String>,
}

/// Keeps the lines that a message shows with it, so that a retry tells the same story.
pub async fn keep_samples(tx: &TenantTx<'_>, started: &Started, samples: &[String]) -> Result<(), DbError> {
    const SQL: &str = "
        -- notification_jobs::attempts::keep_samples
        UPDATE notification_jobs SET message = jsonb_set(message, '{samples}', to_jsonb($4::text[]))
        WHERE org_id = $1 AND id = $2 AND lease_token = $3";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[&tx.org_id(), &started.job_id, &started.lease_token, &samples],
    )
    .await?;
    Ok(())
}

/// Writes down that an attempt begins; `None` when the claim is no longer ours. An earlier attempt that nobody finished
/// is marked as unknown: its worker died, and the receiver may have got it.
pub async fn start(tx: &TenantTx<'_>, claim: Claim) -> Result<Option<Started>, DbError> {
    const JOB: &str = "
        -- notification_jobs::attempts::start
        SELECT j.incident_id, j.transition, j.message, j.attempts, j.revived_at_attempt, j.channel_id, c.name, c.type,
            c.config_sealed, c.enabled AND c.deleted_at IS NULL AS channel_enabled, c.on_unknown,
            (SELECT o.receiver_ref FROM notification_jobs o
             WHERE o.org_id = $1 AND o.incident_id = j.incident_id AND o.channel_id = j.channel_id
               AND o.transition IN ('opened', 'reopened') AND o.sequence <= j.sequence AND o.receiver_ref IS NOT NULL
             ORDER BY o.sequence DESC LIMIT 1) AS opening_ref
        FROM notification_jobs j JOIN notification_channels c ON c.org_id = j.org_id AND c.id = j.channel_id
        WHERE j.org_id = $1 AND c.org_id = $1 AND j.id = $2 AND j.lease_token = $3 AND j.state = 'claimed'
          AND j.lease_until > clock_timestamp()
        FOR UPDATE OF j";
    const ABANDONED: &str = "
        -- notification_jobs::attempts::start
        UPDATE notification_attempts SET outcome = 'unknown', detail = 'the worker ended before it had an answer'
        WHERE org_id = $1 AND job_id = $2 AND outcome = 'started'";
    const UNKNOWN: &str = "
        -- notification_jobs::attempts::start
        SELECT EXISTS (SELECT FROM notification_attempts
            WHERE org_id = $1 AND job_id = $2 AND attempt > $3 AND outcome = 'unknown') AS unknown";
    const ATTEMPT: &str = "
        -- notification_jobs::attempts::start
        INSERT INTO notification_attempts (org_id, job_id, attempt, started_at, outcome)
        VALUES ($1, $2, $3, clock_timestamp(), 'started')";
    let job = tx.prepare_cached(JOB).await?;
    let found = tx
        .query_opt(&job, &[&tx.org_id(), &claim.job_id, &claim.lease_token])
        .await?;
    let Some(row) = found else { return Ok(None) };
    let abandoned = tx.prepare_cached(ABANDONED).await?;
    tx.execute(&abandoned, &[&tx.org_id(), &claim.job_id]).await?;
    let (attempt, revived_at): (i32, i32) = (row.get("attempts"), row.get("revived_at_attempt"));
    let unknown = tx.prepare_cached(UNKNOWN).await?;
    let unknown = tx
        .query_one(&unknown, &[&tx.org_id(), &claim.job_id, &revived_at])
        .await?;
    let begin = tx.prepare_cached(ATTEMPT).await?;
    tx.execute(&begin, &[&tx.org_id(), &claim.job_id, &attempt])
        .await?;
    Ok(Some(Started {
        job_id: claim.job_id,
        lease_token: claim.lease_token,
        incident_id: row.get("incident_id"),
        transition: row.get("transition"),
        message: row.get("message"),
        attempt,
        attempt_of_schedule: attempt - revived_at,
        channel_id: row.get("channel_id"),
        channel_name: row.get("name"),
        channel_type: row.get("type"),
        config_sealed: row.get("config_sealed"),
        channel_enabled: row.get("channel_enabled"),
        on_unknown: row.get("on_unknown"),
        may_have_arrived: unknown.get("unknown"),
        opening_ref: row.get("opening_ref"),
    }))
}

/// What came of an attempt. `detail` is words of ours: never what the receiver wrote, never its address.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub outcome: AttemptOutcome,
    pub duration: Duration,
    pub http_status: Option<u16>,
    pub detail: String,
    /// How the receiver names the message, where it says so.
    pub receiver_ref: Option<String>,
}

/// Stores an outcome and what follows from it; `false`, and nothing is stored, when another worker has taken the job
/// over.
pub async fn record(
    tx: &TenantTx<'_>,
    started: &Started,
    outcome: &Outcome,
    next: NextStep,
) -> Result<bool, DbError> {
    const JOB: &str = "
        -- notification_jobs::attempts::record
        UPDATE notification_jobs
        SET state = $4, lease_token = NULL, lease_until = NULL, last_error = $5,
            next_attempt_at = clock_timestamp() + make_interval(secs => $6),
            settled_at = CASE WHEN $4 <> 'pending' THEN clock_timestamp() END,
            receiver_ref = coalesce($7, receiver_ref)
        WHERE org_id = $1 AND id = $2 AND lease_token = $3 AND state = 'claimed'";
    const ATTEMPT: &str = "
        -- notification_jobs::attempts::record
        UPDATE notification_attempts SET outcome = $4, duration_ms = $5, http_status = $6, detail = $7
        WHERE org_id = $1 AND job_id = $2 AND attempt = $3";
    let (state, delay) = match next {
        NextStep::Sent => ("sent", Duration::ZERO),
        NextStep::Dead => ("dead", Duration::ZERO),
        NextStep::LeaveUnknown => ("unknown", Duration::ZERO),
        NextStep::RetryIn(delay) => ("pending", delay),
    };
    let last_error = (outcome.outcome != AttemptOutcome::Sent).then_some(&outcome.detail);
    let job = tx.prepare_cached(JOB).await?;
    let updated = tx
        .execute(
            &job,
            &[
                &tx.org_id(),
                &started.job_id,
                &started.lease_token,
                &state,
                &last_error,
                &delay.as_secs_f64(),
                &outcome.receiver_ref,
            ],
        )
        .await?;
    if updated == 0 {
        return Ok(false);
    }
    let attempt = tx.prepare_cached(ATTEMPT).await?;
    tx.execute(
        &attempt,
        &[
            &tx.org_id(),
            &started.job_id,
            &started.attempt,
            &outcome.outcome,
            &i32::try_from(outcome.duration.as_millis()).unwrap_or(i32::MAX),
            &outcome.http_status.map(i32::from),
            &outcome.detail,
        ],
    )
    .await?;
    Ok(true)
}

#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub job_id: NotificationJobId,
    pub attempt: i32,
    pub started_at: OffsetDateTime,
    pub duration_ms: Option<i32>,
    pub outcome: AttemptOutcome,
    pub http_status: Option<i32>,
    pub detail: String,
}

/// The attempts of an incident's notifications, in order.
pub async fn list_of_incident(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    most: i64,
) -> Result<Vec<Attempt>, DbError> {
    const SQL: &str = "
        -- notification_jobs::attempts::list_of_incident
        SELECT a.job_id, a.attempt, a.started_at, a.duration_ms, a.outcome, a.http_status, a.detail
        FROM notification_attempts a JOIN notification_jobs j ON j.org_id = a.org_id AND j.id = a.job_id
        WHERE a.org_id = $1 AND j.org_id = $1 AND j.incident_id = $2
        ORDER BY a.started_at DESC, a.attempt DESC LIMIT $3";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &incident_id, &most]).await?;
    Ok(rows
        .iter()
        .rev()
        .map(|row| Attempt {
            job_id: row.get("job_id"),
            attempt: row.get("attempt"),
            started_at: row.get("started_at"),
            duration_ms: row.get("duration_ms"),
            outcome: row.get("outcome"),
            http_status: row.get("http_status"),
            detail: row.get("detail"),
        })
        .collect())
}
