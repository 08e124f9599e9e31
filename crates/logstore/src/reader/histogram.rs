//! How many lines of each level there were over time, from the counters that are kept with the lines.

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::ToSql;

use super::{SearchScope, level_of};

/// What to count. Counters are kept by the minute, so a minute is counted whole if any part of it is in the range; one
/// that is partly past retention is left out.
#[derive(Clone, Debug)]
pub struct HistogramPlan {
    pub scopes: Vec<SearchScope>,
    /// Inclusive, by the lines' own time.
    pub from: OffsetDateTime,
    /// Exclusive.
    pub to: OffsetDateTime,
    /// Empty: every level.
    pub levels: Vec<Level>,
    interval: Duration,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidInterval {
    #[error("must be whole minutes, from 1m to 30d")]
    NotWholeMinutes,
    #[error("makes {0} buckets; at most {max} are counted, choose a longer interval or a shorter range", max = HistogramPlan::MAX_BUCKETS)]
    TooManyBuckets(i64),
}

impl HistogramPlan {
    /// A day by the minute fits, with room for the edges.
    pub const MAX_BUCKETS: i64 = 1_500;
    pub const MAX_INTERVAL: Duration = Duration::days(30);

    /// Checks that the range and the interval make sense together.
    pub fn new(
        scopes: Vec<SearchScope>,
        (from, to): (OffsetDateTime, OffsetDateTime),
        levels: Vec<Level>,
        interval: Duration,
    ) -> Result<Self, InvalidInterval> {
        let whole_minutes = interval.whole_seconds() % 60 == 0 && interval.subsec_nanoseconds() == 0;
        if !whole_minutes || interval < Duration::MINUTE || interval > Self::MAX_INTERVAL {
            return Err(InvalidInterval::NotWholeMinutes);
        }
        let plan = Self {
            scopes,
            from,
            to,
            levels,
            interval,
        };
        let buckets = plan.bucket_count();
        if buckets > Self::MAX_BUCKETS {
            return Err(InvalidInterval::TooManyBuckets(buckets));
        }
        Ok(plan)
    }

    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Buckets start at multiples of the interval since 1970, UTC.
    fn first_start(&self) -> OffsetDateTime {
        floor(self.from, self.interval)
    }

    fn bucket_count(&self) -> i64 {
        let seconds = (self.to - self.first_start()).as_seconds_f64();
        (seconds / self.interval.as_seconds_f64()).ceil().max(0.0) as i64
    }

    /// Where each bucket starts, oldest first.
    pub fn starts(&self) -> impl Iterator<Item = OffsetDateTime> {
        let (first, interval) = (self.first_start(), self.interval);
        (0..self.bucket_count() as i32).map(move |place| first + interval * place)
    }

    fn empty_buckets(&self) -> Vec<Bucket> {
        let empty = |start| Bucket {
            start,
            counts: [0; Level::ALL.len()],
        };
        self.starts().map(empty).collect()
    }
}

/// The lines of one interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub start: OffsetDateTime,
    /// By [`Level::code`].
    pub counts: [u64; Level::ALL.len()],
}

/// Counts lines per interval and level; intervals without lines are there too.
pub async fn histogram(tx: &TenantTx<'_>, plan: &HistogramPlan) -> Result<Vec<Bucket>, DbError> {
    const SQL: &str = "
        -- reader::histogram
        SELECT c.start, c.level, sum(c.lines)::bigint AS lines
        FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS scope (service_id, environment_id, oldest)
        CROSS JOIN LATERAL (
            SELECT date_bin(make_interval(secs => $7), minute, 'epoch') AS start, level, sum(count) AS lines
            FROM log_counts
            WHERE org_id = $1 AND service_id = scope.service_id AND environment_id = scope.environment_id
              AND minute >= scope.oldest AND minute < $5 AND level = ANY ($6)
            GROUP BY 1, 2
        ) AS c
        GROUP BY 1, 2";
    let service_ids: Vec<ServiceId> = plan.scopes.iter().map(|scope| scope.service_id).collect();
    let environment_ids: Vec<EnvironmentId> = plan.scopes.iter().map(|scope| scope.environment_id).collect();
    let from = floor(plan.from, Duration::MINUTE);
    let oldest: Vec<OffsetDateTime> = plan.scopes.iter().map(|scope| scope.oldest.max(from)).collect();
    let levels: Vec<i16> = Level::ALL
        .into_iter()
        .filter(|level| plan.levels.is_empty() || plan.levels.contains(level))
        .map(Level::code)
        .collect();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &service_ids,
                &environment_ids,
                &oldest,
                &plan.to,
                &levels,
                &plan.interval.as_seconds_f64(),
            ],
        )
        .await?;
    let mut buckets = plan.empty_buckets();
    for row in rows {
        let start: OffsetDateTime = row.get("start");
        let lines: i64 = row.get("lines");
        let level = level_of(row.get("level"))?;
        if let Ok(place) = buckets.binary_search_by_key(&start, |bucket| bucket.start) {
            buckets[place].counts[level.code() as usize] += lines.unsigned_abs();
        }
    }
    Ok(buckets)
}

/// Lines of a service in one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeCount {
    pub environment_id: EnvironmentId,
    pub lines: u64,
    /// Of level error or fatal.
    pub errors: u64,
    /// The minute of the newest line.
    pub newest: OffsetDateTime,
}

/// Counts the lines of each scope between two times, by their own time, whole minutes; scopes without lines are left out.
pub async fn totals(
    tx: &TenantTx<'_>,
    scopes: &[SearchScope],
    (from, to): (OffsetDateTime, OffsetDateTime),
) -> Result<Vec<ScopeCount>, DbError> {
    const SQL: &str = "
        -- reader::totals
        SELECT scope.environment_id, c.lines, c.errors, c.newest
        FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS scope (service_id, environment_id, oldest)
        CROSS JOIN LATERAL (
            SELECT sum(count)::bigint AS lines, coalesce(sum(count) FILTER (WHERE level >= $6), 0)::bigint AS errors,
                max(minute) AS newest
            FROM log_counts
            WHERE org_id = $1 AND service_id = scope.service_id AND environment_id = scope.environment_id
              AND minute >= scope.oldest AND minute < $5
        ) AS c
        WHERE c.lines > 0";
    let service_ids: Vec<ServiceId> = scopes.iter().map(|scope| scope.service_id).collect();
    let environment_ids: Vec<EnvironmentId> = scopes.iter().map(|scope| scope.environment_id).collect();
    let from = floor(from, Duration::MINUTE);
    let oldest: Vec<OffsetDateTime> = scopes.iter().map(|scope| scope.oldest.max(from)).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let params: [&(dyn ToSql + Sync); 6] = [
        &tx.org_id(),
        &service_ids,
        &environment_ids,
        &oldest,
        &to,
        &Level::Error.code(),
    ];
    let rows = tx.query(&statement, &params).await?;
    let count = |row: &tokio_postgres::Row| ScopeCount {
        environment_id: row.get("environment_id"),
        lines: row.get::<_, i64>("lines").unsigned_abs(),
        errors: row.get::<_, i64>("errors").unsigned_abs(),
        newest: row.get("newest"),
    };
    Ok(rows.iter().map(count).collect())
}

fn floor(at: OffsetDateTime, interval: Duration) -> OffsetDateTime {
    let seconds = at.unix_timestamp();
    let start = seconds - seconds.rem_euclid(interval.whole_seconds());
    OffsetDateTime::from_unix_timestamp(start).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn plan(
        from: OffsetDateTime,
        to: OffsetDateTime,
        interval: Duration,
    ) -> Result<HistogramPlan, InvalidInterval> {
        HistogramPlan::new(Vec::new(), (from, to), Vec::new(), interval)
    }

    #[test]
    fn buckets_start_at_multiples_of_the_interval_and_cover_the_range() {
        let plan = plan(
            datetime!(2026-11-22 10:07 UTC),
            datetime!(2026-11-22 10:30:01 UTC),
            Duration::minutes(10),
        )
        .unwrap();
        let starts: Vec<_> = plan.empty_buckets().iter().map(|bucket| bucket.start).collect();
        assert_eq!(
            starts,
            [
                datetime!(2026-11-22 10:00 UTC),
                datetime!(2026-11-22 10:10 UTC),
                datetime!(2026-11-22 10:20 UTC),
                datetime!(2026-11-22 10:30 UTC)
            ]
        );
    }

    #[rstest::rstest]
    #[case(Duration::seconds(59))]
    #[case(Duration::seconds(90))]
    #[case(Duration::ZERO)]
    #[case(Duration::minutes(-1))]
    #[case(Duration::days(31))]
    fn an_interval_is_whole_minutes(#[case] interval: Duration) {
        let from = datetime!(2026-11-22 10:00 UTC);
        assert_eq!(
            plan(from, from + Duration::HOUR, interval).err(),
            Some(InvalidInterval::NotWholeMinutes)
        );
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let from = datetime!(2026-11-22 10:00 UTC);
        assert_eq!(
            plan(from, from + Duration::days(2), Duration::MINUTE).err(),
            Some(InvalidInterval::TooManyBuckets(2_880))
        );
        let widest = plan(
            datetime!(-9999-01-01 00:00 UTC),
            datetime!(9999-12-31 23:59:59 UTC),
            Duration::days(30),
        );
        assert!(matches!(widest, Err(InvalidInterval::TooManyBuckets(_))));
    }

    proptest! {
        #[test]
        fn every_moment_of_the_range_lies_in_one_bucket(
            from in 0_i64..4_000_000_000,
            seconds in 1_i64..80_000,
            minutes in 1_i64..600,
        ) {
            let from = OffsetDateTime::from_unix_timestamp(from).unwrap();
            let to = from + Duration::seconds(seconds);
            let buckets = plan(from, to, Duration::minutes(minutes)).unwrap().empty_buckets();
            prop_assert!(buckets[0].start <= from);
            let last = buckets[buckets.len() - 1].start;
            prop_assert!(last < to && to <= last + Duration::minutes(minutes));
        }
    }
}
