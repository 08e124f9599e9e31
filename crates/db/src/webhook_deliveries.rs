//! Which webhooks arrived, and what became of them. The provider's delivery id makes a redelivery known.

use std::time::Duration;

use domain::deployment_report::Provider;
use domain::github::DeliveryStatus;
use domain::ids::{DeliveryId, DeploymentId, IntegrationId, ServiceId};
use domain::page::{Cursor, PageLimit};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx};

/// A delivery as it came.
#[derive(Clone, Copy, Debug)]
pub struct NewDelivery<'a> {
    pub integration_id: IntegrationId,
    pub provider: Provider,
    /// The provider's own id of it.
    pub delivery_id: &'a str,
    pub event: &'a str,
    /// SHA-256 of the whole body.
    pub payload_hash: &'a [u8],
    pub payload: &'a Value,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: DeliveryStatus,
    /// Why, in words.
    pub detail: String,
    pub deployment_id: Option<DeploymentId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub integration_id: IntegrationId,
    pub service_id: ServiceId,
    pub provider: Provider,
    pub delivery_id: String,
    pub event: String,
    pub outcome: Outcome,
    /// How often it was applied: once, and once more per replay.
    pub attempts: i32,
    pub created_at: OffsetDateTime,
}

/// Records a delivery with its outcome. `None` if this integration has one of this id already; while another
/// transaction is recording it, this waits for that one's end.
pub async fn add(
    tx: &TenantTx<'_>,
    new: NewDelivery<'_>,
    outcome: &Outcome,
) -> Result<Option<DeliveryId>, DbError> {
    const SQL: &str = "
        -- webhook_deliveries::add
        INSERT INTO webhook_deliveries (org_id, id, integration_id, provider, delivery_id, event, payload_hash, payload,
            status, detail, deployment_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT ON CONSTRAINT uq_webhook_delivery_provider_id DO NOTHING
        RETURNING id";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &DeliveryId::generate(),
                &new.integration_id,
                &new.provider,
                &new.delivery_id,
                &new.event,
                &new.payload_hash,
                new.payload,
                &outcome.status,
                &outcome.detail,
                &outcome.deployment_id,
            ],
        )
        .await?;
    Ok(row.map(|row| row.get("id")))
}

/// A delivery and its stored payload; nobody else changes it until the transaction ends.
pub async fn lock(tx: &TenantTx<'_>, id: DeliveryId) -> Result<Option<(Delivery, Value)>, DbError> {
    const SQL: &str = "
        -- webhook_deliveries::lock
        SELECT d.id, d.integration_id, g.service_id, d.provider, d.delivery_id, d.event, d.status, d.detail,
            d.deployment_id, d.attempts, d.created_at, d.payload
        FROM webhook_deliveries d
        JOIN service_github_integrations g ON g.org_id = d.org_id AND g.id = d.integration_id
        WHERE d.org_id = $1 AND d.id = $2
        FOR UPDATE OF d";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.map(|row| (read(&row), row.get("payload"))))
}

/// Stores what became of a delivery when it was applied once more, and gives it as it is now. A deployment that it led
/// to before stays named.
pub async fn settle_again(
    tx: &TenantTx<'_>,
    delivery: Delivery,
    outcome: &Outcome,
) -> Result<Delivery, DbError> {
    const SQL: &str = "
        -- webhook_deliveries::settle_again
        UPDATE webhook_deliveries
        SET status = $3, detail = $4, deployment_id = coalesce($5, deployment_id), attempts = attempts + 1
        WHERE org_id = $1 AND id = $2
        RETURNING status, detail, deployment_id, attempts";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &delivery.id,
                &outcome.status,
                &outcome.detail,
                &outcome.deployment_id,
            ],
        )
        .await?;
    Ok(Delivery {
        outcome: read_outcome(&row),
        attempts: row.get("attempts"),
        ..delivery
    })
}

/// Newest first.
pub async fn list(
    tx: &TenantTx<'_>,
    status: Option<DeliveryStatus>,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Delivery>, DbError> {
    const SQL: &str = "
        -- webhook_deliveries::list
        SELECT d.id, d.integration_id, g.service_id, d.provider, d.delivery_id, d.event, d.status, d.detail,
            d.deployment_id, d.attempts, d.created_at
        FROM webhook_deliveries d
        JOIN service_github_integrations g ON g.org_id = d.org_id AND g.id = d.integration_id
        WHERE d.org_id = $1 AND ($2::text IS NULL OR d.status = $2)
            AND ($3::timestamptz IS NULL OR (d.created_at, d.id) < ($3, $4))
        ORDER BY d.created_at DESC, d.id DESC LIMIT $5";
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &status, &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// Deletes deliveries that are older than this, up to 10,000 at a time; returns how many.
pub async fn expire_all_orgs(conn: &Connection, keep: Duration) -> Result<i64, DbError> {
    const SQL: &str = "
        -- webhook_deliveries::expire_all_orgs
        SELECT expire_webhook_deliveries(make_interval(secs => $1))";
    Ok(conn.query_one(SQL, &[&keep.as_secs_f64()]).await?.get(0))
}

fn read(row: &Row) -> Delivery {
    Delivery {
        id: row.get("id"),
        integration_id: row.get("integration_id"),
        service_id: row.get("service_id"),
        provider: row.get("provider"),
        delivery_id: row.get("delivery_id"),
        event: row.get("event"),
        outcome: read_outcome(row),
        attempts: row.get("attempts"),
        created_at: row.get("created_at"),
    }
}

fn read_outcome(row: &Row) -> Outcome {
    Outcome {
        status: row.get("status"),
        detail: row.get("detail"),
        deployment_id: row.get("deployment_id"),
    }
}
