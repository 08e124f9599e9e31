//! The counts that stand beside merged segments.

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use domain::patterns::TemplateId;
use futures_util::TryStreamExt as _;
use time::OffsetDateTime;

use super::mining::Counts;
use super::{PatternsPlan, Window, at};
use crate::patterns::BUCKET;
use crate::patterns::counts::{self, Entry};

/// The counts of segments that have lines in the whole buckets of each scope's window. Public so that tests can hold what it
/// shows to whom to account.
pub const COUNTS_SQL: &str = "
    -- reader::pattern_counts
    SELECT scope.place, s.id, s.pattern_counts
    FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[])
        WITH ORDINALITY AS scope (service_id, environment_id, start, stop, place)
    CROSS JOIN LATERAL (
        SELECT id, pattern_counts FROM log_segments
        WHERE org_id = $1 AND service_id = scope.service_id AND environment_id = scope.environment_id
          AND max_ts >= scope.start AND min_ts < scope.stop AND pattern_counts IS NOT NULL
    ) AS s";

/// Segments whose counts are read at a time.
const STEP: i32 = 64;

/// What was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read {
    pub(super) bytes: u64,
    /// Some counts could not be read, and are left out.
    pub(super) damaged: bool,
}

/// Of one segment: the place of its scope, its id, its counts.
type Stored = (usize, i64, Vec<u8>);

/// Adds what is stored of the whole buckets.
pub(super) async fn read(
    tx: &TenantTx<'_>,
    plan: &PatternsPlan,
    levels: &[Vec<Level>],
    into: &mut Counts,
) -> Result<Read, DbError> {
    let scopes = || plan.lines.scopes.iter().map(|(scope, _)| scope);
    let windows: Vec<Window> = scopes().map(|scope| plan.window(scope)).collect();
    let service_ids: Vec<ServiceId> = scopes().map(|scope| scope.service_id).collect();
    let environment_ids: Vec<EnvironmentId> = scopes().map(|scope| scope.environment_id).collect();
    let starts: Vec<OffsetDateTime> = windows.iter().map(|window| at(window.whole_from)).collect();
    let stops: Vec<OffsetDateTime> = windows.iter().map(|window| at(window.whole_to)).collect();
    let places: Vec<Scope> = windows
        .into_iter()
        .zip(&service_ids)
        .zip(levels)
        .map(|((window, service_id), levels)| Scope {
            service_id: *service_id,
            window,
            levels: Level::ALL.map(|level| levels.contains(&level)),
        })
        .collect();
    let statement = tx.prepare_cached(COUNTS_SQL).await?;
    let portal = tx
        .bind(
            &statement,
            &[&tx.org_id(), &service_ids, &environment_ids, &starts, &stops],
        )
        .await?;
    let mut read = Read::default();
    loop {
        let mut rows = std::pin::pin!(tx.query_portal_raw(&portal, STEP).await?);
        let mut step: Vec<Stored> = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let place: i64 = row.get("place");
            step.push((place as usize - 1, row.get("id"), row.try_get("pattern_counts")?));
        }
        let is_last = step.len() < STEP as usize;
        read.bytes += step.iter().map(|(_, _, bytes)| bytes.len() as u64).sum::<u64>();
        let (mut counts, scopes) = (std::mem::take(into), places.clone());
        let adding = tokio::task::spawn_blocking(move || {
            let damaged = add(&step, &scopes, &mut counts);
            (counts, damaged)
        });
        let damaged;
        (*into, damaged) = adding
            .await
            .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()));
        read.damaged |= damaged;
        if is_last {
            return Ok(read);
        }
    }
}

/// What is wanted of one scope.
#[derive(Clone, Debug)]
struct Scope {
    service_id: ServiceId,
    window: Window,
    /// By [`Level::code`].
    levels: [bool; Level::ALL.len()],
}

/// Says whether something could not be read.
fn add(step: &[Stored], scopes: &[Scope], into: &mut Counts) -> bool {
    let mut damaged = false;
    for (place, segment, bytes) in step {
        let Some(scope) = scopes.get(*place) else { continue };
        let mut found: Vec<(i64, Entry)> = Vec::new();
        let decoded = counts::decode(bytes, |number, entry| {
            let start = number.saturating_mul(BUCKET);
            let is_within = scope.window.whole_from <= start && start < scope.window.whole_to;
            if is_within && scope.levels.get(usize::from(entry.level)) == Some(&true) {
                found.push((start, entry));
            }
        });
        if let Err(damage) = decoded {
            // All or nothing, so that no segment counts in part.
            metrics::counter!("logstore_damaged_segments_total").increment(1);
            tracing::error!(
                segment.id = segment,
                "the patterns of log segment {segment} cannot be counted: {damage}"
            );
            damaged = true;
            continue;
        }
        for (start, entry) in found {
            let key: (ServiceId, TemplateId) = (scope.service_id, entry.template);
            into.add(key, entry.level, entry.lines, (start, start));
        }
    }
    damaged
}
