//! Some of the lines that an incident is about.

use std::sync::Arc;
use std::time::Duration;

use db::{Connection, DbError, TenantTx, incidents};
use domain::ids::{IncidentId, OrgId};
use domain::level::Level;
use domain::query::Expr;
use logstore::reader::{Budget, Chosen, Line, Order, Plan};
use time::OffsetDateTime;

use super::place::{self, Place};
use crate::app::State;

/// How many are shown.
const LINES: usize = 3;
/// Of the lines in an answer, in bytes.
const BYTES: usize = 256 * 1024;
/// How far back from the opening they may be.
const BACK: time::Duration = time::Duration::hours(1);
/// What a page may wait for its lines, all in all.
pub(crate) const SAMPLES_WITHIN: Duration = Duration::from_millis(200);
/// What the search of them may take of that.
const SAMPLES_SEARCH: Duration = Duration::from_millis(120);
/// Of a line in a message; receivers cut further.
const SAMPLE_CHARS: usize = 500;

pub(crate) const ERRORS: [Level; 2] = [Level::Error, Level::Fatal];

/// The lines that an incident is about, at its scopes: those that its rule asks for, or errors.
pub(crate) fn about(place: &Place) -> Arc<Chosen> {
    let everything = Expr::and([]);
    let chosen = match &place.query {
        Some(query) => Chosen::new(place.scopes.clone(), query, &[]),
        None => Chosen::new(place.scopes.clone(), &everything, &ERRORS),
    };
    Arc::new(chosen)
}

/// A plan over these lines within a window.
pub(crate) fn plan(
    chosen: &Chosen,
    (from, to): (OffsetDateTime, OffsetDateTime),
    limit: usize,
    time: Duration,
) -> Plan {
    Plan {
        scopes: chosen.scopes.clone(),
        from,
        to,
        order: Order::NewestFirst,
        limit,
        cursor: None,
        budget: Budget { time, bytes: BYTES },
    }
}

/// The newest when it opened.
pub(crate) async fn newest(
    tx: &TenantTx<'_>,
    state: &State,
    place: &Place,
    time: Duration,
) -> Result<(Vec<Line>, bool), DbError> {
    let chosen = about(place);
    let window = (place.opened_at - BACK, place.opened_at + time::Duration::SECOND);
    let found = state
        .reader
        .search(tx, &plan(&chosen, window, LINES, time))
        .await?;
    Ok((found.lines, found.stats.partial.is_some()))
}

/// The same as text, for a page of an incident.
pub(crate) async fn samples(
    conn: &mut Connection,
    state: &State,
    org_id: OrgId,
    incident_id: IncidentId,
) -> Result<Vec<String>, DbError> {
    let tx = conn.tenant_snapshot(org_id).await?;
    let Some(incident) = incidents::find(&tx, incident_id).await? else {
        return Ok(Vec::new());
    };
    let place = place::of(&tx, &incident).await?;
    if place.scopes.is_empty() {
        return Ok(Vec::new());
    }
    let (lines, _) = newest(&tx, state, &place, SAMPLES_SEARCH).await?;
    tx.commit().await?;
    Ok(lines
        .into_iter()
        .map(|line| line.message.chars().take(SAMPLE_CHARS).collect())
        .collect())
}
