//! The sweep: every rule of every tenant, again and again, so that a lost or late event changes only when something is
//! noticed, not whether. One replica sweeps, by lease; tenants take turns, and none gets more than one at a time. Of each
//! tenant all rules are screened first, and only those that have something to write are evaluated one by one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web;
use db::incidents::members;
use db::leases::{self, Lease};
use db::{DbError, alert_rules, causes, incidents, notification_jobs};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::rule::RuleScope;
use domain::ids::{AlertRuleId, IncidentId, OrgId};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::json;
use service_kit::Kit;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::State;
use crate::evaluation::memory::Memory;
use crate::evaluation::screen::{self, Focus, Screened};
use crate::evaluation::{self, EvaluationError, Report};
use crate::firings::{self, Clear};
use crate::metrics;
use crate::snoozes;
use crate::transitions::Story;

const LEASE: &str = "alerting.sweep";
/// Rules evaluated at once.
const WORKERS: usize = 4;
/// A sweep ends after this long at the latest: what is left comes first in the next, and no tenant with many slow rules
/// keeps the others waiting for it.
const LONGEST: Duration = Duration::from_secs(30);
/// Problems without a rule that one sweep clears.
const ORPHANS: i32 = 1_000;
/// For how long it is kept what rules decided: as long as arrivals are.
const HISTORY: Duration = Duration::from_hours(35 * 24);

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
                    error = causes::chain(&error),
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
    {
        let conn = kit.db.conn("alerting.expire").await?;
        alert_rules::expire_history_all_orgs(&conn, HISTORY).await?;
    }
    let backlog = {
        let conn = kit.db.conn("alerting.backlog").await?;
        notification_jobs::backlog_all_orgs(&conn).await?
    };
    metrics::backlog(&backlog);
    Ok(!lost.is_cancelled())
}

/// Evaluates every rule, longest unevaluated first, resolves what no rule will, and wakes what was snoozed; until all is done, the time is
/// over, or `stop` is cancelled.
pub(crate) async fn everything(kit: &Kit, state: &State, stop: &CancellationToken) -> Result<Swept, DbError> {
    let orgs = {
        let conn = kit.db.conn("alerting.sweep").await?;
        alert_rules::orgs_to_evaluate_all_orgs(&conn).await?
    };
    let mut swept = evaluate_in_turns(kit, state, orgs, stop).await;
    swept.resolved += clear_orphans(kit, state).await?;
    swept.woken += snoozes::wake(kit, state).await?;
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
    /// Incidents that opened again, since their problem came back.
    pub(crate) reopened: usize,
    /// Incidents that resolved.
    pub(crate) resolved: usize,
    /// Firings that joined an incident that was open.
    pub(crate) joined: usize,
    /// Incidents that were snoozed and are not any more.
    pub(crate) woken: usize,
    /// Rules that there was no time for.
    pub(crate) left: usize,
}

impl Swept {
    pub(crate) fn count(&mut self, result: &Result<Report, EvaluationError>) {
        match result {
            Ok(report) => {
                self.evaluated += 1;
                self.opened += report.opened;
                self.reopened += report.reopened;
                self.resolved += report.resolved;
                self.joined += report.joined;
            }
            Err(_) => self.failed += 1,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            evaluated: self.evaluated + other.evaluated,
            failed: self.failed + other.failed,
            opened: self.opened + other.opened,
            reopened: self.reopened + other.reopened,
            resolved: self.resolved + other.resolved,
            joined: self.joined + other.joined,
            woken: self.woken + other.woken,
            left: self.left + other.left,
        }
    }
}

async fn evaluate_in_turns(kit: &Kit, state: &State, orgs: Vec<OrgId>, stop: &CancellationToken) -> Swept {
    let turns = Turns::new(orgs);
    let end = Instant::now() + LONGEST;
    let worker = async || {
        let mut swept = Swept::default();
        while Instant::now() < end && !stop.is_cancelled() && !kit.stopping.is_cancelled() {
            let Some(turn) = turns.take() else {
                break;
            };
            match turn.work {
                Work::Screen => {
                    let screened = screened(kit, turn.org_id).await;
                    swept.evaluated += screened.quiet;
                    turns.screened(turn.org_id, screened.to_evaluate);
                }
                // What failed is noted with the rule; the sweep goes on.
                Work::Evaluate(rule_id, place) => {
                    swept.count(&evaluation::run(kit, state, turn.org_id, rule_id, place).await);
                }
            }
            turns.give_back(turn.org_id);
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

/// What of a tenant is to be evaluated. Where the rules together are too much, each is looked at by itself, and the one that
/// is too much says so.
async fn screened(kit: &Kit, org_id: OrgId) -> Screened {
    match screen::run(kit, org_id, &Focus::Everything, &mut Memory::default()).await {
        Ok(screened) => screened,
        Err(error) => {
            tracing::warn!(
                error = causes::chain(&error),
                org.id = %org_id,
                "the rules of organisation {org_id} are evaluated one by one"
            );
            one_by_one(kit, org_id).await.unwrap_or_default()
        }
    }
}

async fn one_by_one(kit: &Kit, org_id: OrgId) -> Result<Screened, DbError> {
    let mut conn = kit.db.conn("alerting.sweep").await?;
    let tx = conn.tenant(org_id).await?;
    let rules = alert_rules::to_evaluate(&tx).await?;
    tx.commit().await?;
    Ok(Screened {
        to_evaluate: rules
            .into_iter()
            .map(|rule| (rule.id, RuleScope::default()))
            .collect(),
        ..Screened::default()
    })
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

/// Whose turn it is: tenants in a circle, each with at most one thing under way.
struct Turns(Mutex<Waiting>);

struct Waiting {
    circle: VecDeque<OrgId>,
    /// Of tenants that were screened.
    rules: HashMap<OrgId, VecDeque<(AlertRuleId, RuleScope)>>,
}

#[derive(Debug, PartialEq)]
struct Turn {
    org_id: OrgId,
    work: Work,
}

#[derive(Debug, PartialEq)]
enum Work {
    Screen,
    Evaluate(AlertRuleId, RuleScope),
}

impl Turns {
    /// Keeps the order of the tenants.
    fn new(orgs: Vec<OrgId>) -> Self {
        Self(Mutex::new(Waiting {
            circle: orgs.into(),
            rules: HashMap::new(),
        }))
    }

    fn take(&self) -> Option<Turn> {
        let mut waiting = self.waiting();
        let org_id = waiting.circle.pop_front()?;
        let work = match waiting.rules.get_mut(&org_id) {
            None => Work::Screen,
            Some(rules) => {
                let (rule_id, place) = rules.pop_front()?;
                Work::Evaluate(rule_id, place)
            }
        };
        Some(Turn { org_id, work })
    }

    /// What of a tenant is to be evaluated, in this order.
    fn screened(&self, org_id: OrgId, rules: Vec<(AlertRuleId, RuleScope)>) {
        self.waiting().rules.insert(org_id, rules.into());
    }

    /// The tenant's turn is over: it joins the end of the circle if it has more.
    fn give_back(&self, org_id: OrgId) {
        let mut waiting = self.waiting();
        if waiting.rules.get(&org_id).is_some_and(|queue| !queue.is_empty()) {
            waiting.circle.push_back(org_id);
        }
    }

    /// Rules that were not evaluated; a tenant that was not even screened counts as one.
    fn left(&self) -> usize {
        let waiting = self.waiting();
        let unscreened = waiting
            .circle
            .iter()
            .filter(|org_id| !waiting.rules.contains_key(org_id));
        unscreened.count() + waiting.rules.values().map(VecDeque::len).sum::<usize>()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Clears problems whose rule went with its service or environment: nothing else ever would. Returns how many incidents
/// resolved by that.
async fn clear_orphans(kit: &Kit, state: &State) -> Result<usize, DbError> {
    let orphans = {
        let conn = kit.db.conn("alerting.orphans").await?;
        members::without_rule_all_orgs(&conn, ORPHANS).await?
    };
    let mut resolved = 0;
    for (org_id, incident_id, fingerprint) in &orphans {
        resolved += usize::from(clear_orphan(kit, *org_id, *incident_id, fingerprint).await?);
    }
    if !orphans.is_empty() {
        state.wake();
    }
    Ok(resolved)
}

async fn clear_orphan(
    kit: &Kit,
    org_id: OrgId,
    incident_id: IncidentId,
    fingerprint: &Fingerprint,
) -> Result<bool, DbError> {
    let mut conn = kit.db.conn("alerting.orphans").await?;
    let tx = conn.tenant(org_id).await?;
    let Some(incident) = incidents::lock_root(&tx, incident_id).await? else {
        return Ok(false);
    };
    let why = "the rule was deleted with its service or environment";
    let clear = Clear {
        fingerprint,
        message: &format!("no rule looks there any more: {why}"),
        why,
        details: json!({}),
        story: &Story::of(&tx, &incident).await?,
        at: incidents::clock(&tx).await?,
    };
    let resolved = firings::cleared(&tx, incident.id, &clear).await?;
    tx.commit().await?;
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_take_turns_and_none_has_two_things_out() {
        let (busy, quiet) = (OrgId::generate(), OrgId::generate());
        let rule = |n: u128| (AlertRuleId(Uuid::from_u128(n)), RuleScope::default());
        let screen = |org_id| {
            Some(Turn {
                org_id,
                work: Work::Screen,
            })
        };
        let evaluate = |org_id, n| {
            let (rule_id, place) = rule(n);
            Some(Turn {
                org_id,
                work: Work::Evaluate(rule_id, place),
            })
        };
        let turns = Turns::new(vec![busy, quiet]);
        assert_eq!(turns.left(), 2);
        assert_eq!(turns.take(), screen(busy));
        assert_eq!(turns.take(), screen(quiet));
        assert_eq!(turns.take(), None, "both are being screened");
        turns.screened(busy, vec![rule(1), rule(2)]);
        turns.give_back(busy);
        turns.screened(quiet, vec![rule(9)]);
        turns.give_back(quiet);
        assert_eq!(turns.take(), evaluate(busy, 1));
        assert_eq!(turns.take(), evaluate(quiet, 9));
        assert_eq!(turns.take(), None, "the busy tenant has one out");
        turns.give_back(quiet);
        turns.give_back(busy);
        assert_eq!(turns.take(), evaluate(busy, 2));
        assert_eq!(turns.left(), 0);
    }
}
