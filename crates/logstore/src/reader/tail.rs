//! What was committed lately, whatever its own time: for following a search.
//!
//! Ids are no order of commits, and neither are times. What is: PostgreSQL's snapshots. A line has arrived between two
//! moments if the transaction that wrote it is visible in the snapshot of the later and not in that of the earlier. Lines
//! change their transaction when they are merged, so the compactor leaves alone what was written in the last seconds
//! ([`crate::compactor::CompactorConfig::fresh_after`]), and only younger positions are followed without a gap.

use std::pin::pin;
use std::sync::Arc;

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use futures_util::TryStreamExt as _;
use time::OffsetDateTime;
use tokio_postgres::RowStream;
use tokio_postgres::types::ToSql;

use super::directory::{self, Listed};
use super::rows::Scanned;
use super::scan::Scan;
use super::{Line, Means, Plan, Projection};

/// A moment in the order of commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("is no snapshot")]
pub struct InvalidSnapshot;

impl Snapshot {
    pub async fn current(tx: &TenantTx<'_>) -> Result<Self, DbError> {
        const SQL: &str = "
            -- tail::snapshot
            SELECT pg_current_snapshot()::text";
        let statement = tx.prepare_cached(SQL).await?;
        Ok(Self(tx.query_one(&statement, &[]).await?.get(0)))
    }
}

impl std::fmt::Display for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes what PostgreSQL prints: the oldest running transaction, the next one, and those that run between them.
impl std::str::FromStr for Snapshot {
    type Err = InvalidSnapshot;

    fn from_str(text: &str) -> Result<Self, InvalidSnapshot> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits
                .then(|| text.parse::<u64>().ok())
                .flatten()
                .filter(|number| *number > 0)
        };
        let mut parts = text.splitn(3, ':');
        let mut next = || parts.next().ok_or(InvalidSnapshot);
        let (min, max, running) = (next()?, next()?, next()?);
        let (min, max) = (
            number(min).ok_or(InvalidSnapshot)?,
            number(max).ok_or(InvalidSnapshot)?,
        );
        let running: Option<Vec<u64>> = match running {
            "" => Some(Vec::new()),
            running => running.split(',').map(number).collect(),
        };
        let running = running.ok_or(InvalidSnapshot)?;
        let is_within = running.iter().all(|id| (min..max).contains(id));
        let is_rising = running.windows(2).all(|pair| pair[0] < pair[1]);
        if min <= max && is_within && is_rising {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSnapshot)
        }
    }
}

/// The transaction of a row is made as wide as snapshots have it: it is one of the last 2^32.
const ROWS_SQL: &str = "
    -- tail::rows
    SELECT scope.place, l.ts, l.id, l.level, octet_length(l.message) AS bytes, l.message, l.meta_json::text AS meta,
        l.trace_id, l.request_id
    FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS scope (service_id, environment_id, place)
    JOIN logs l ON l.org_id = $1 AND l.service_id = scope.service_id AND l.environment_id = scope.environment_id
        AND l.ts >= $4 AND l.ts < $5
    CROSS JOIN LATERAL (
        SELECT (l.xmin::text::bigint + (top - top % 4294967296)
            - CASE WHEN l.xmin::text::bigint > top % 4294967296 THEN 4294967296 ELSE 0 END)::text::xid8 AS id
        FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS top) t
    ) AS full_xid
    WHERE pg_visible_in_snapshot(full_xid.id, $7::text::pg_snapshot)
      AND NOT pg_visible_in_snapshot(full_xid.id, $6::text::pg_snapshot)
    ORDER BY l.ts DESC, l.id DESC";

const SEGMENTS_SQL: &str = "
    -- tail::segments
    SELECT scope.place, s.id, NULL::date AS expires_on, s.hour, s.max_ts, s.first_id, s.index_col, false AS has_filter,
        false AS is_counted
    FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS scope (service_id, environment_id, place)
    JOIN log_segments_fresh s ON s.org_id = $1 AND s.service_id = scope.service_id
        AND s.environment_id = scope.environment_id AND s.max_ts >= $4 AND s.min_ts < $5
    CROSS JOIN LATERAL (
        SELECT (s.xmin::text::bigint + (top - top % 4294967296)
            - CASE WHEN s.xmin::text::bigint > top % 4294967296 THEN 4294967296 ELSE 0 END)::text::xid8 AS id
        FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS top) t
    ) AS full_xid
    WHERE pg_visible_in_snapshot(full_xid.id, $7::text::pg_snapshot)
      AND NOT pg_visible_in_snapshot(full_xid.id, $6::text::pg_snapshot)
    ORDER BY s.max_ts DESC, s.id DESC";

/// Lines that arrived.
#[derive(Debug)]
pub struct Arrived {
    /// By time, the oldest first.
    pub lines: Vec<Line>,
    /// There were so many more, of which these are the newest.
    pub missed: u64,
}

/// Lines that match and arrived after `since` and not after `until`; `plan` bounds their own times, and its order, page and
/// cursor play no part. Of more than `most` the oldest are counted only.
pub(super) async fn arrived(
    tx: &TenantTx<'_>,
    means: &Means,
    plan: &Plan,
    (since, until): (&Snapshot, &Snapshot),
    most: usize,
) -> Result<Arrived, DbError> {
    let plan = Plan {
        cursor: None,
        ..plan.clone()
    };
    let mut heap = Newest {
        lines: Vec::new(),
        most,
        missed: 0,
    };
    take_rows(tx, &plan, (since, until), &mut heap).await?;
    let segments = segments(tx, &plan, (since, until)).await?;
    let mut scan = Scan::start(tx, &plan, means)
        .await?
        .of_segments(segments)
        .visiting(Projection::ALL);
    while !scan.is_complete() {
        scan.round(tx, std::time::Instant::now()).await?;
        heap.lines.extend(scan.take_visited());
        heap.cut();
    }
    heap.cut();
    Ok(Arrived {
        lines: heap.lines,
        missed: heap.missed,
    })
}

struct Newest {
    lines: Vec<Line>,
    most: usize,
    missed: u64,
}

impl Newest {
    fn cut(&mut self) {
        self.lines.sort_unstable_by_key(|line| (line.ts, line.id.0));
        let excess = self.lines.len().saturating_sub(self.most);
        self.lines.drain(..excess);
        self.missed += excess as u64;
    }
}

/// Takes loose rows, the newest first. Those that are too many are counted as they pass by.
async fn take_rows(
    tx: &TenantTx<'_>,
    plan: &Plan,
    between: (&Snapshot, &Snapshot),
    heap: &mut Newest,
) -> Result<(), DbError> {
    let mut rows = pin!(ask(tx, ROWS_SQL, plan, between).await?);
    while let Some(row) = rows.try_next().await? {
        let mut row = Scanned::read(&row)?;
        row.decide(plan.condition(row.place));
        if !row.matches {
            continue;
        }
        if heap.lines.len() < heap.most {
            let scope = plan.scope(row.place);
            heap.lines.push(row.into_line(scope));
        } else {
            heap.missed += 1;
        }
    }
    Ok(())
}

async fn segments(
    tx: &TenantTx<'_>,
    plan: &Plan,
    between: (&Snapshot, &Snapshot),
) -> Result<Vec<Arc<Listed>>, DbError> {
    let mut rows = pin!(ask(tx, SEGMENTS_SQL, plan, between).await?);
    let mut segments = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let place: i64 = row.get("place");
        let place = place as usize - 1;
        segments.push(Arc::new(directory::listed(&row, place, plan.scope(place))?));
    }
    Ok(segments)
}

async fn ask(
    tx: &TenantTx<'_>,
    sql: &str,
    plan: &Plan,
    (since, until): (&Snapshot, &Snapshot),
) -> Result<RowStream, DbError> {
    let scopes = plan.scopes.iter();
    let (services, environments): (Vec<ServiceId>, Vec<EnvironmentId>) = scopes
        .map(|(scope, _)| (scope.service_id, scope.environment_id))
        .unzip();
    let statement = tx.prepare_cached(sql).await?;
    let params: [&(dyn ToSql + Sync); 7] = [
        &tx.org_id(),
        &services,
        &environments,
        &plan.from,
        &plan.to,
        &since.0,
        &until.0,
    ];
    Ok(tx.query_raw(&statement, params).await?)
}

/// How old a position may be to be followed without a gap.
pub fn is_recent(at: OffsetDateTime, now: OffsetDateTime) -> bool {
    /// Below the age at which the compactor takes segments, with room for a slow commit.
    const RECENT: time::Duration = time::Duration::seconds(15);
    now - at <= RECENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("10:20:", true)]
    #[case("10:20:10,15,19", true)]
    #[case("10:10:", true)]
    #[case("20:10:", false)]
    #[case("10:20:15,15", false)]
    #[case("10:20:20", false)]
    #[case("10:20", false)]
    #[case("10:20:,", false)]
    #[case("0:20:", false)]
    #[case("a:b:c", false)]
    #[case("99999999999999999999:2:", false)]
    #[case("1:2:'; DROP TABLE logs; --", false)]
    fn only_what_postgresql_takes_is_a_snapshot(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(text.parse::<Snapshot>().is_ok(), expected);
    }
}
