//! What an Alertmanager told of: the newest episode of each alert.

use domain::alerting::alertmanager::Episode;
use domain::alerting::fingerprint::Fingerprint;
use domain::ids::{EnvironmentId, IncidentId, ServiceId};
use time::OffsetDateTime;

use crate::{DbError, TenantTx};

/// The newest episode and the incident that it opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    pub episode: Episode,
    pub incident_id: Option<IncidentId>,
}

/// Finds what is known of an alert, and keeps others from learning more of it until the transaction ends: an alert that
/// nobody has heard of is locked as well.
pub async fn lock(tx: &TenantTx<'_>, fingerprint: &Fingerprint) -> Result<Option<Known>, DbError> {
    const LOCK: &str = "
        -- external_alerts::lock
        SELECT pg_advisory_xact_lock(hashtextextended('sightline.external_alert ' || $1::uuid::text || $2::text, 0))";
    const FIND: &str = "
        -- external_alerts::lock
        SELECT starts_at, is_over, incident_id FROM external_alerts WHERE org_id = $1 AND fingerprint = $2";
    let lock = tx.prepare_cached(LOCK).await?;
    tx.query_one(&lock, &[&tx.org_id(), fingerprint]).await?;
    let find = tx.prepare_cached(FIND).await?;
    let row = tx.query_opt(&find, &[&tx.org_id(), fingerprint]).await?;
    Ok(row.map(|row| Known {
        episode: Episode {
            starts_at: row.get("starts_at"),
            is_over: row.get("is_over"),
        },
        incident_id: row.get("incident_id"),
    }))
}

/// Stores the newest episode of an alert. The caller holds its lock.
pub async fn save(
    tx: &TenantTx<'_>,
    fingerprint: &Fingerprint,
    place: (ServiceId, EnvironmentId),
    known: Known,
    seen_at: OffsetDateTime,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- external_alerts::save
        INSERT INTO external_alerts (org_id, fingerprint, service_id, environment_id, starts_at, is_over, incident_id,
            last_seen_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (org_id, fingerprint) DO UPDATE
        SET starts_at = $5, is_over = $6, incident_id = $7, last_seen_at = $8";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            fingerprint,
            &place.0,
            &place.1,
            &known.episode.starts_at,
            &known.episode.is_over,
            &known.incident_id,
            &seen_at,
        ],
    )
    .await?;
    Ok(())
}

/// Alerts that an organisation's Alertmanagers told of and that are not over.
pub async fn count_open(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- external_alerts::count_open
        SELECT count(*) FROM external_alerts WHERE org_id = $1 AND NOT is_over";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}
