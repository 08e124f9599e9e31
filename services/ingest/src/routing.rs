//! Where the lines of a request go: to the scope of their key, or to the service and environment that they name.
//!
//! Names are looked up for keys with the scope `logs:route`, and what is missing is made for those with `logs:create`. What
//! was found is remembered for less than a second, so that a service that was deleted gets nothing more within one. Lines
//! whose names lead nowhere are no worse than lines without names: they stay with their key, and the sender is told.

mod sorter;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use db::auth::KeyRecord;
use db::log_routes::{self, LogRoute, Made};
use db::{Connection, Db, DbError};
use domain::api_key::KeyScope;
use domain::destination::{Destination, InvalidDestination};
use domain::ids::ApiKeyId;
use moka::sync::Cache;
use service_kit::{ApiError, context};

pub(crate) use sorter::{Sorted, Sorter, Stray};

/// Below a second, as for keys.
const REMEMBERED_FOR: Duration = Duration::from_millis(800);
/// Of names, and what is known of them.
const MAX_REMEMBERED_BYTES: u64 = 8 * 1024 * 1024;
/// A database that is silent for longer is as good as away.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// So many destinations of one request are looked up. A collector sends what the programs of one machine or cluster say.
pub(crate) const MAX_DESTINATIONS: usize = 100;

/// Where lines of one origin want to go; `None` is where their key is.
pub(crate) type Wish = Result<Option<Destination>, InvalidDestination>;

/// Where lines that name a destination go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    There(LogRoute),
    /// With the key's own.
    Stay(Why),
}

/// Why lines do not go where they want to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The name is none.
    Invalid(InvalidDestination),
    /// It does not exist, and the key may not make it.
    Unknown,
    /// The organisation has as many services as lines may make.
    TooManyServices,
    /// The service has as many environments as lines may make.
    TooManyEnvironments,
    /// It is beyond [`MAX_DESTINATIONS`].
    TooManyNamed,
}

/// The destinations of one request, looked up.
#[derive(Debug)]
pub(crate) struct Routes {
    home: LogRoute,
    /// `None` for a key whose lines have no choice.
    ways: Option<HashMap<Destination, Way>>,
}

impl Routes {
    /// Everything to the key's own scope, whatever it names.
    pub(crate) fn home_only(home: LogRoute) -> Self {
        Self { home, ways: None }
    }

    fn way(&self, wish: &Wish) -> Way {
        match (&self.ways, wish) {
            (None, _) | (Some(_), Ok(None)) => Way::There(self.home),
            (Some(_), Err(invalid)) => Way::Stay(Why::Invalid(*invalid)),
            (Some(ways), Ok(Some(wanted))) => {
                ways.get(wanted).copied().unwrap_or(Way::Stay(Why::TooManyNamed))
            }
        }
    }
}

/// Looks destinations up. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Router {
    db: Db,
    /// By key, since what is not named is the key's own, and what is missing is made for some keys only.
    remembered: Cache<(ApiKeyId, Destination), Way>,
}

impl Router {
    pub(crate) fn new(db: Db) -> Self {
        let remembered = Cache::builder()
            .max_capacity(MAX_REMEMBERED_BYTES)
            .weigher(|(_, destination), _| weight(destination))
            .time_to_live(REMEMBERED_FOR)
            .build();
        Self { db, remembered }
    }

    /// Whether the lines of a key go where they want to.
    pub(crate) fn asks(key: &KeyRecord) -> bool {
        key.scopes.contains(&KeyScope::LogsRoute)
    }

    /// Finds where the lines of a request go, and makes what is missing if its key may. `wanted` has each once.
    pub(crate) async fn routes(&self, key: &KeyRecord, wanted: Vec<Destination>) -> Result<Routes, ApiError> {
        let home = LogRoute {
            scope: key.scope,
            retention: key.retention,
        };
        if !Self::asks(key) {
            return Ok(Routes::home_only(home));
        }
        let mut ways = HashMap::with_capacity(wanted.len());
        let mut unknown = Vec::new();
        for destination in wanted {
            let place = (key.id, destination);
            match self.remembered.get(&place) {
                Some(way) => drop(ways.insert(place.1, way)),
                None => unknown.push(place.1),
            }
        }
        if !unknown.is_empty() {
            let found = self.look_up(key, &unknown).await?;
            for (destination, way) in unknown.into_iter().zip(found) {
                self.remembered.insert((key.id, destination.clone()), way);
                ways.insert(destination, way);
            }
        }
        Ok(Routes {
            home,
            ways: Some(ways),
        })
    }

    async fn look_up(&self, key: &KeyRecord, wanted: &[Destination]) -> Result<Vec<Way>, DbError> {
        let conn = self.db.conn("ingest.routes").await?;
        let found = find_or_make(&conn, key, wanted).await;
        if matches!(found, Err(DbError::NoAnswer)) {
            conn.discard();
        }
        found
    }
}

fn weight(destination: &Destination) -> u32 {
    const BESIDE_NAMES: usize = 200;
    let names = [destination.service(), destination.environment()];
    let bytes: usize = names.iter().flatten().map(|name| name.as_str().len()).sum();
    (bytes + BESIDE_NAMES) as u32
}

async fn find_or_make(
    conn: &Connection,
    key: &KeyRecord,
    wanted: &[Destination],
) -> Result<Vec<Way>, DbError> {
    let org_id = key.scope.org_id;
    let may_make = key.scopes.contains(&KeyScope::LogsCreate);
    let found = in_time(log_routes::find(conn, org_id, key.id, wanted)).await?;
    let mut ways = Vec::with_capacity(wanted.len());
    for (destination, found) in wanted.iter().zip(found) {
        ways.push(match found {
            Some(route) => Way::There(route),
            None if may_make => make(conn, key, destination).await?,
            None => Way::Stay(Why::Unknown),
        });
    }
    Ok(ways)
}

async fn make(conn: &Connection, key: &KeyRecord, destination: &Destination) -> Result<Way, DbError> {
    let request_id = context::current().map(|context| context.correlation_id);
    let org_id = key.scope.org_id;
    let made = in_time(log_routes::make(
        conn,
        org_id,
        key.id,
        destination,
        request_id.as_deref(),
    ))
    .await?;
    Ok(match made {
        Made::Route(route) => {
            let (key, service) = (key.id, route.scope.service_id);
            tracing::info!(%key, %service, "lines of key {key} made an environment of service {service}");
            Way::There(route)
        }
        Made::TooManyServices => Way::Stay(Why::TooManyServices),
        Made::TooManyEnvironments => Way::Stay(Why::TooManyEnvironments),
        Made::Nothing => Way::Stay(Why::Unknown),
    })
}

async fn in_time<T>(asking: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    tokio::time::timeout(ANSWER_WITHIN, asking)
        .await
        .unwrap_or(Err(DbError::NoAnswer))
}
