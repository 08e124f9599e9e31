//! Events to publish: written in the transaction that causes them, taken by a relay under a lease.

use std::time::Duration;

use domain::events::{Envelope, Event};
use domain::ids::EventId;
use time::OffsetDateTime;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx};

/// Writes an event of this tenant. It is published after the transaction commits, at least once, with this id.
pub async fn add(
    tx: &TenantTx<'_>,
    event: Event,
    correlation_id: Option<&str>,
    now: OffsetDateTime,
) -> Result<EventId, DbError> {
    const SQL: &str = "
        -- outbox::add
        INSERT INTO outbox (org_id, id, routing_key, envelope) VALUES ($1, $2, $3, $4)";
    let routing_key = event.routing_key().as_str();
    let envelope = Envelope {
        event_id: EventId::generate(),
        occurred_at: now,
        correlation_id: correlation_id.map(str::to_owned),
        event,
    };
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[&tx.org_id(), &envelope.event_id, &routing_key, &Json(&envelope)],
    )
    .await?;
    Ok(envelope.event_id)
}

/// An event that this process may publish until its lease runs out.
#[derive(Clone, Debug)]
pub struct ClaimedEvent {
    pub event_id: EventId,
    /// What it is published under.
    pub routing_key: String,
    /// Not parsed here: an event that a newer version wrote is relayed all the same.
    pub envelope: serde_json::Value,
    pub lease_token: Uuid,
}

pub async fn claim_all_orgs(
    conn: &Connection,
    batch: i32,
    lease: Duration,
) -> Result<Vec<ClaimedEvent>, DbError> {
    const SQL: &str = "
        -- outbox::claim_all_orgs
        SELECT event_id, routing_key, envelope, lease_token FROM claim_outbox($1, make_interval(secs => $2))";
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn.query(&statement, &[&batch, &lease.as_secs_f64()]).await?;
    Ok(rows
        .iter()
        .map(|row| ClaimedEvent {
            event_id: row.get("event_id"),
            routing_key: row.get("routing_key"),
            envelope: row.get("envelope"),
            lease_token: row.get("lease_token"),
        })
        .collect())
}

/// Ends claims: published events are marked, the others are free to be claimed again at once.
pub async fn settle_all_orgs(conn: &Connection, outcomes: &[(ClaimedEvent, bool)]) -> Result<(), DbError> {
    let ids: Vec<EventId> = outcomes.iter().map(|(event, _)| event.event_id).collect();
    let tokens: Vec<Uuid> = outcomes.iter().map(|(event, _)| event.lease_token).collect();
    let published: Vec<bool> = outcomes.iter().map(|(_, published)| *published).collect();
    let statement = conn.prepare_cached("SELECT settle_outbox($1, $2, $3)").await?;
    conn.execute(&statement, &[&ids, &tokens, &published]).await?;
    Ok(())
}

/// Deletes events that were published more than an hour ago.
pub async fn expire_all_orgs(conn: &Connection) -> Result<i64, DbError> {
    Ok(conn.query_one("SELECT expire_outbox()", &[]).await?.get(0))
}

/// How many events wait, and for how many seconds the oldest has.
pub async fn backlog_all_orgs(conn: &Connection) -> Result<(i64, f64), DbError> {
    let row = conn
        .query_one("SELECT events, oldest_seconds FROM outbox_backlog()", &[])
        .await?;
    Ok((row.get("events"), row.get("oldest_seconds")))
}
