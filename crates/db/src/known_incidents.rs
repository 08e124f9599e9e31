//! Incidents of some days, to hold rules against.

use domain::ids::{EnvironmentId, IncidentId, ServiceId};
use time::OffsetDateTime;

use crate::{DbError, TenantTx};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownIncident {
    pub id: IncidentId,
    pub title: String,
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub opened_at: OffsetDateTime,
    pub resolved_at: Option<OffsetDateTime>,
}

/// The newest that were opened within these times, newest first.
pub async fn opened_between(
    tx: &TenantTx<'_>,
    (from, to): (OffsetDateTime, OffsetDateTime),
    most: i64,
) -> Result<Vec<KnownIncident>, DbError> {
    const SQL: &str = "
        -- known_incidents::opened_between
        SELECT id, title, service_id, environment_id, opened_at, resolved_at FROM incidents
        WHERE org_id = $1 AND opened_at >= $2 AND opened_at < $3
        ORDER BY opened_at DESC, id DESC LIMIT $4";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &from, &to, &most]).await?;
    Ok(rows
        .iter()
        .map(|row| KnownIncident {
            id: row.get("id"),
            title: row.get("title"),
            service_id: row.get("service_id"),
            environment_id: row.get("environment_id"),
            opened_at: row.get("opened_at"),
            resolved_at: row.get("resolved_at"),
        })
        .collect())
}
