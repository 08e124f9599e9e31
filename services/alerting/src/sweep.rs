//! The sweep: every rule of every tenant, again and again, so that a lost or late event changes only when something is
//! noticed, not whether. One replica sweeps, by lease; tenants take turns, and none gets more than one at a time.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::web;
use db::leases::{self, Lease};
use db::{DbError, alert_rules, incidents, notification_jobs};
use domain::alerting::rule::RuleScope;
use domain::ids::{AlertRuleId, IncidentId, OrgId};
use futures_util::future::join_all;
use serde::Serialize;
use service_kit::Kit;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::State;
use crate::evaluation::{self, EvaluationError, Report};
use crate::metrics;
use crate::transitions::{self, Resolution, Story};

const LEASE: &str = "alerting.sweep";
/// Rules evaluated at once.
const WORKERS: usize = 4;
/// A sweep ends after this long at the latest: what is left comes first in the next, and no tenant with many slow rules
/// keeps the others waiting for it.
const LONGEST: Duration = Duration::from_secs(30);

/// Sweeps at intervals until the service stops.
pub(crate) async fn run(kit: Kit, state: web::Data<State>) {
    let owner = Uuid::new_v4();
    let mut ticks = tokio::time::interval(state.sweep_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = kit.stopping.cancelled() => break,
            _ = ticks.tick() => {}
        }
        match turn(&kit, &state, owner).await {
            Ok(leads) => metrics::leads(leads),
            Err(error) => {
                metrics::leads(false);
                tracing::warn!(
                    error = &error as &dyn Error,
                    "the sweep is put off to the next turn"
                );
            }
        }
    }
    step_down(&kit, &state, owner).await;
}

/// How long the lease lasts without being extended, which each sweep does: another replica takes over soon after.
fn lease_time(interval: Duration) -> Duration {
    interval + Duration::from_secs(3)
}

async fn acquire(kit: &Kit, state: &State, owner: Uuid) -> Result<Option<Lease>, DbError> {
    let conn = kit.db.conn("alerting.lease").await?;
    leases::acquire(&conn, LEASE, owner, lease_time(state.sweep_interval)).await
}

/// Gives the lease up, so that a successor need not wait for its end.
async fn step_down(kit: &Kit, state: &State, owner: Uuid) {
    if let Ok(Some(lease)) = acquire(kit, state, owner).await
        && let Ok(conn) = kit.db.conn("alerting.lease").await
    {
        let _ = leases::release(&conn, LEASE, lease).await;
    }
}

/// Sweeps if this replica leads; returns whether it does.
async fn turn(kit: &Kit, state: &State, owner: Uuid) -> Result<bool, DbError> {
    let Some(lease) = acquire(kit, state, owner).await? else {
        return Ok(false);
    };
    let started = Instant::now();
    let lost = CancellationToken::new();
    let watch = async {
        until_lost(kit, state, lease).await;
        tracing::warn!("another replica sweeps now");
        lost.cancel();
        std::future::pending::<()>().await;
    };
    // What is under way when the lease is lost is finished: evaluations of a rule are serialised by its row.
    let swept = tokio::select! {
        swept = everything(kit, state, &lost) => swept?,
        () = watch => Swept::default(),
    };
    metrics::swept(started.elapsed(), swept.left);
    let backlog = {
        let conn = kit.db.conn("alerting.backlog").await?;
        notification_jobs::backlog_all_orgs(&conn).await?
    };
    metrics::backlog(&backlog);
    Ok(!lost.is_cancelled())
}

/// Evaluates every rule, longest unevaluated first, and resolves what no rule will; until all is done, the time is
/// over, or `stop` is cancelled.
pub(crate) async fn everything(kit: &Kit, state: &State, stop: &CancellationToken) -> Result<Swept, DbError> {
    let rules = {
        let conn = kit.db.conn("alerting.sweep").await?;
        alert_rules::to_evaluate_all_orgs(&conn).await?
    };
    let mut swept = evaluate_in_turns(kit, state, rules, stop).await;
    swept.resolved += resolve_orphans(kit, state).await?;
    Ok(swept)
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Swept {
    pub(crate) evaluated: usize,
    /// Rules that could not be evaluated; each says why in its `last_error`.
    pub(crate) failed: usize,
    /// Incidents that opened.
    pub(crate) opened: usize,
    /// Incidents that resolved.
    pub(crate) resolved: usize,
    /// Rules that there was no time for.
    pub(crate) left: usize,
}

impl Swept {
    pub(crate) fn count(&mut self, result: &Result<Report, EvaluationError>) {
        match result {
            Ok(report) => {
                self.evaluated += 1;
                self.opened += report.opened;
                self.resolved += report.resolved;
            }
            Err(_) => self.failed += 1,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            evaluated: self.evaluated + other.evaluated,
            failed: self.failed + other.failed,
            opened: self.opened + other.opened,
            resolved: self.resolved + other.resolved,
            left: self.left + other.left,
        }
    }
}

async fn evaluate_in_turns(
    kit: &Kit,
    state: &State,
    rules: Vec<(OrgId, AlertRuleId)>,
    stop: &CancellationToken,
) -> Swept {
    let turns = Turns::new(rules);
    let end = Instant::now() + LONGEST;
    let worker = async || {
        let mut swept = Swept::default();
        while Instant::now() < end && !stop.is_cancelled() && !kit.stopping.is_cancelled() {
            let Some((org_id, rule_id)) = turns.take() else {
                break;
            };
            // What failed is noted with the rule; the sweep goes on.
            swept.count(&evaluation::run(kit, state, org_id, rule_id, RuleScope::default()).await);
            turns.give_back(org_id);
        }
        swept
    };
    let done = join_all((0..WORKERS).map(|_| worker())).await;
    let left = Swept {
        left: turns.left(),
        ..Swept::default()
    };
    done.into_iter().fold(left, Swept::plus)
}

/// Extends the lease while a sweep runs; ends when it is another's.
async fn until_lost(kit: &Kit, state: &State, held: Lease) {
    let every = lease_time(state.sweep_interval) / 4;
    loop {
        tokio::time::sleep(every).await;
        match acquire(kit, state, held.owner).await {
            Ok(Some(lease)) if lease.fence == held.fence => {}
            Ok(Some(_) | None) => return,
            // The database is away: so is whoever would take over.
            Err(_) => {}
        }
    }
}

/// Whose turn it is: tenants in a circle, each with at most one rule under evaluation.
struct Turns(Mutex<Waiting>);

struct Waiting {
    circle: VecDeque<OrgId>,
    rules: HashMap<OrgId, VecDeque<AlertRuleId>>,
}

impl Turns {
    /// Keeps the order of each tenant's rules, and of the tenants by their first.
    fn new(rules: Vec<(OrgId, AlertRuleId)>) -> Self {
        let mut waiting = Waiting {
            circle: VecDeque::new(),
            rules: HashMap::new(),
        };
        for (org_id, rule_id) in rules {
            let queue = waiting.rules.entry(org_id).or_default();
            if queue.is_empty() {
                waiting.circle.push_back(org_id);
            }
            queue.push_back(rule_id);
        }
        Self(Mutex::new(waiting))
    }

    fn take(&self) -> Option<(OrgId, AlertRuleId)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let org_id = waiting.circle.pop_front()?;
        let rule_id = waiting.rules.get_mut(&org_id)?.pop_front()?;
        Some((org_id, rule_id))
    }

    /// The tenant's rule is done: it joins the end of the circle if it has more.
    fn give_back(&self, org_id: OrgId) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.rules.get(&org_id).is_some_and(|queue| !queue.is_empty()) {
            waiting.circle.push_back(org_id);
        }
    }

    fn left(&self) -> usize {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.rules.values().map(VecDeque::len).sum()
    }
}

/// Resolves incidents whose rule went with its service or environment: nothing else ever would. Returns how many.
async fn resolve_orphans(kit: &Kit, state: &State) -> Result<usize, DbError> {
    let orphans = {
        let conn = kit.db.conn("alerting.orphans").await?;
        incidents::without_rule_all_orgs(&conn).await?
    };
    for (org_id, incident_id) in &orphans {
        resolve_orphan(kit, *org_id, *incident_id).await?;
        state.wake();
    }
    Ok(orphans.len())
}

async fn resolve_orphan(kit: &Kit, org_id: OrgId, incident_id: IncidentId) -> Result<(), DbError> {
    let mut conn = kit.db.conn("alerting.orphans").await?;
    let tx = conn.tenant(org_id).await?;
    let Some(incident) = incidents::find_for_update(&tx, incident_id).await? else {
        return Ok(());
    };
    let resolution = Resolution {
        by: None,
        why: "the rule was deleted with its service or environment",
        at: incidents::clock(&tx).await?,
    };
    let story = Story::of(&tx, &incident).await?;
    transitions::resolve(&tx, incident_id, &resolution, &story).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_take_turns_and_none_has_two_rules_out() {
        let (busy, quiet) = (OrgId::generate(), OrgId::generate());
        let rule = |n: u128| AlertRuleId(Uuid::from_u128(n));
        let turns = Turns::new(vec![
            (busy, rule(1)),
            (busy, rule(2)),
            (busy, rule(3)),
            (quiet, rule(9)),
        ]);
        assert_eq!(turns.take(), Some((busy, rule(1))));
        assert_eq!(turns.take(), Some((quiet, rule(9))));
        assert_eq!(turns.take(), None, "the busy tenant has one out");
        turns.give_back(quiet);
        turns.give_back(busy);
        assert_eq!(turns.take(), Some((busy, rule(2))));
        assert_eq!(turns.left(), 1);
    }
}
