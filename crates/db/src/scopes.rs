//! What an organisation's logs are searched by: every environment of every service, over `services` and `environments`.

use domain::ids::{EnvironmentId, ServiceId};
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::{DbError, TenantTx};

/// One environment of one service, by id and by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedScope {
    pub service_id: ServiceId,
    pub service: String,
    pub environment_id: EnvironmentId,
    pub environment: String,
    /// Lines from before this moment are past the service's retention, by the database's clock.
    pub oldest: OffsetDateTime,
}

/// All scopes of the organisation, by name.
pub async fn list(tx: &TenantTx<'_>) -> Result<Vec<NamedScope>, DbError> {
    const SQL: &str = "
        -- scopes::list
        SELECT s.id AS service_id, s.name AS service, e.id AS environment_id, e.name AS environment,
            now() - make_interval(days => s.retention_days) AS oldest
        FROM services s JOIN environments e ON e.org_id = s.org_id AND e.service_id = s.id
        WHERE s.org_id = $1 AND e.org_id = $1
        ORDER BY s.name, e.name";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    Ok(rows.iter().map(read).collect())
}

/// The scopes of one service, or of one environment of it; all of the organisation's when neither is given.
pub async fn list_within(
    tx: &TenantTx<'_>,
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
) -> Result<Vec<NamedScope>, DbError> {
    const SQL: &str = "
        -- scopes::list_within
        SELECT s.id AS service_id, s.name AS service, e.id AS environment_id, e.name AS environment,
            now() - make_interval(days => s.retention_days) AS oldest
        FROM services s JOIN environments e ON e.org_id = s.org_id AND e.service_id = s.id
        WHERE s.org_id = $1 AND e.org_id = $1 AND ($2::uuid IS NULL OR s.id = $2) AND ($3::uuid IS NULL OR e.id = $3)
        ORDER BY s.name, e.name";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &service_id, &environment_id])
        .await?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &Row) -> NamedScope {
    NamedScope {
        service_id: row.get("service_id"),
        service: row.get("service"),
        environment_id: row.get("environment_id"),
        environment: row.get("environment"),
        oldest: row.get("oldest"),
    }
}
