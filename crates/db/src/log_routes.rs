//! Services and environments that log lines name, over `services`, `environments` and `api_keys`: found for a key with the
//! scope `logs:route`, and made for one with `logs:create`. The functions in the schema check the key once more.

use domain::destination::Destination;
use domain::ids::{ApiKeyId, OrgId};
use domain::scope::Scope;
use time::Duration;
use tokio_postgres::Row;

use crate::{Connection, DbError};

/// A scope that lines named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRoute {
    pub scope: Scope,
    /// How long its service keeps logs.
    pub retention: Duration,
}

/// What became of a destination that did not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It exists now.
    Route(LogRoute),
    /// The organisation has 1,000 services; people may make more.
    TooManyServices,
    /// The service has 50 environments; people may make more.
    TooManyEnvironments,
    /// The key may not make it, or its service is being deleted.
    Nothing,
}

/// The scopes that the organisation has of these, in their order.
pub async fn find(
    conn: &Connection,
    org_id: OrgId,
    key: ApiKeyId,
    wanted: &[Destination],
) -> Result<Vec<Option<LogRoute>>, DbError> {
    const SQL: &str = "
        -- log_routes::find
        SELECT place, service_id, environment_id, retention_days FROM find_log_routes($1, $2, $3, $4)";
    let services: Vec<_> = wanted.iter().map(Destination::service).collect();
    let environments: Vec<_> = wanted.iter().map(Destination::environment).collect();
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn
        .query(&statement, &[&org_id, &key, &services, &environments])
        .await?;
    let mut routes = vec![None; wanted.len()];
    for row in &rows {
        let place: i64 = row.get("place");
        let slot = usize::try_from(place - 1)
            .ok()
            .and_then(|place| routes.get_mut(place));
        if let Some(slot) = slot {
            *slot = Some(read(org_id, row));
        }
    }
    Ok(routes)
}

/// Makes what is missing of a destination; `request_id` goes into the audit log.
pub async fn make(
    conn: &Connection,
    org_id: OrgId,
    key: ApiKeyId,
    wanted: &Destination,
    request_id: Option<&str>,
) -> Result<Made, DbError> {
    const SQL: &str = "
        -- log_routes::make
        SELECT service_id, environment_id, retention_days, full_of FROM make_log_route($1, $2, $3, $4, $5)";
    let statement = conn.prepare_cached(SQL).await?;
    let (service, environment) = (wanted.service(), wanted.environment());
    let made = conn
        .query_opt(&statement, &[&org_id, &key, &service, &environment, &request_id])
        .await;
    let row = match made.map_err(DbError::from) {
        Ok(Some(row)) => row,
        Ok(None) => return Ok(Made::Nothing),
        // Deleted at this very moment.
        Err(error) if error.violates_foreign_key() => return Ok(Made::Nothing),
        Err(error) => return Err(error),
    };
    let full_of: Option<&str> = row.get("full_of");
    Ok(match full_of {
        None => Made::Route(read(org_id, &row)),
        Some("services") => Made::TooManyServices,
        Some(_) => Made::TooManyEnvironments,
    })
}

fn read(org_id: OrgId, row: &Row) -> LogRoute {
    let days: i32 = row.get("retention_days");
    LogRoute {
        scope: Scope {
            org_id,
            service_id: row.get("service_id"),
            environment_id: row.get("environment_id"),
        },
        retention: Duration::days(days.into()),
    }
}
