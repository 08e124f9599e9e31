//! Which rules of an organisation have something to write: found out for all of them at once, without a lock.
//!
//! Nearly always the answer is none. The facts are read once for all rules, the evaluator is asked, and what it would change
//! is left to an evaluation of that rule, under its lock. So a thousand rules cost a few statements.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use db::alert_firings::{self, FiringRow};
use db::alert_rules::{self, AlertRule};
use db::scopes::NamedScope;
use db::{Connection, DbError, TenantTx};
use domain::alerting::evaluator::{Firing, FiringState};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::replay::walk;
use domain::alerting::rule::{Definition, Facts, RuleScope};
use domain::ids::{AlertRuleId, EnvironmentId, OrgId, ServiceId};
use logstore::arrivals::{self, Wanted};
use service_kit::Kit;
use time::OffsetDateTime;

use super::EvaluationError;
use super::facts::{Asked, RECENT_DEPLOYMENTS, Shared};
use super::memory::{Memory, Watched};
use super::window::Window;

/// Where to look.
#[derive(Clone, Debug)]
pub(crate) enum Focus {
    /// Everywhere; where rules have come to is written down.
    Everything,
    /// These scopes, of which something was heard.
    Scopes(HashSet<(ServiceId, EnvironmentId)>),
}

impl Focus {
    fn covers(&self, target: &NamedScope) -> bool {
        match self {
            Self::Everything => true,
            Self::Scopes(scopes) => scopes.contains(&(target.service_id, target.environment_id)),
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Screened {
    /// Rules to evaluate, each where something is to be written; in their turn.
    pub(crate) to_evaluate: Vec<(AlertRuleId, RuleScope)>,
    /// Rules that have nothing to write.
    pub(crate) quiet: usize,
    /// Whether a rule was left out that was looked at within the last second.
    pub(crate) put_off: bool,
}

/// How long looking may take: a database that answers nothing must not hold up other tenants.
const BUDGET: Duration = Duration::from_secs(10);

/// Looks at the organisation's rules, within a budget of time. Facts and firings are read anew; `memory` may know the rest.
pub(crate) async fn run(
    kit: &Kit,
    org_id: OrgId,
    focus: &Focus,
    memory: &mut Memory,
) -> Result<Screened, EvaluationError> {
    let mut conn = kit.db.conn("alerting.screen").await?;
    match tokio::time::timeout(BUDGET, screen(&mut conn, org_id, focus, memory)).await {
        Ok(screened) => Ok(screened?),
        Err(_elapsed) => {
            // A statement may still run on it.
            conn.discard();
            Err(EvaluationError::TooSlow)
        }
    }
}

async fn screen(
    conn: &mut Connection,
    org_id: OrgId,
    focus: &Focus,
    memory: &mut Memory,
) -> Result<Screened, DbError> {
    let settled = memory.settled(conn).await?;
    let tx = conn.tenant(org_id).await?;
    let Watched { rules, targets, .. } = memory.watched(&tx).await?;
    if rules.is_empty() {
        return Ok(Screened::default());
    }
    let (now, firings) = tokio::try_join!(db::incidents::clock(&tx), firings_by_rule(&tx))?;
    let none = HashMap::new();
    let mut screened = Screened::default();
    let mut looked_at = Vec::new();
    let mut erring = Vec::new();
    for rule in rules {
        match Looked::at(rule, targets, focus, settled, now) {
            Look::Screened(looked) if looked.definition.condition.facts() == Facts::ErrorPatterns => {
                erring.push(*looked);
            }
            Look::Screened(looked) => looked_at.push(*looked),
            Look::Itself => screened.to_evaluate.push((rule.id, RuleScope::default())),
            Look::PutOff => screened.put_off = true,
            Look::Elsewhere => {}
        }
    }
    let asked: Vec<Asked<'_>> = looked_at.iter().map(Looked::asked).collect();
    let until = looked_at
        .iter()
        .map(|looked| looked.window.span(&looked.definition.condition).until)
        .max()
        .unwrap_or(now);
    let shared = Shared::read(&tx, &asked, until, RECENT_DEPLOYMENTS).await?;
    let mut quiet = Vec::new();
    for looked in &looked_at {
        let firings = firings.get(&looked.rule.id).unwrap_or(&none);
        match looked.to_write(&shared, firings, focus) {
            Some(place) => screened.to_evaluate.push((looked.rule.id, place)),
            None => quiet.push((looked.rule.id, looked.rule.version, Some(looked.window.end))),
        }
    }
    let erred = erred(&tx, &erring).await?;
    for looked in &erring {
        let firings = firings.get(&looked.rule.id).unwrap_or(&none);
        match looked.to_search(&erred, firings, focus) {
            Some(place) => screened.to_evaluate.push((looked.rule.id, place)),
            None => quiet.push((looked.rule.id, looked.rule.version, Some(looked.window.end))),
        }
    }
    screened.quiet = quiet.len();
    if matches!(focus, Focus::Everything) && !quiet.is_empty() {
        alert_rules::record_quiet(&tx, &quiet, now).await?;
        tx.commit().await?;
    }
    Ok(screened)
}

type Firings = HashMap<Fingerprint, FiringRow>;

async fn firings_by_rule(tx: &TenantTx<'_>) -> Result<HashMap<AlertRuleId, Firings>, DbError> {
    let mut by_rule: HashMap<AlertRuleId, Firings> = HashMap::new();
    for (rule_id, row) in alert_firings::list_of_all_rules(tx).await? {
        by_rule
            .entry(rule_id)
            .or_default()
            .insert(row.fingerprint.clone(), row);
    }
    Ok(by_rule)
}

/// The scopes in which errors arrived of which rules over new patterns have not heard yet.
async fn erred(
    tx: &TenantTx<'_>,
    erring: &[Looked<'_>],
) -> Result<HashSet<(ServiceId, EnvironmentId)>, DbError> {
    let mut since: HashMap<(ServiceId, EnvironmentId), OffsetDateTime> = HashMap::new();
    for looked in erring {
        // Also what arrived during a long stop, whose moments are left out: its pattern may be new still.
        let after = looked.window.horizon.after;
        let after = looked.rule.evaluated_to.map_or(after, |to| to.min(after));
        let after = after - looked.definition.condition.step();
        for target in &looked.targets {
            since
                .entry((target.service_id, target.environment_id))
                .and_modify(|known| *known = after.min(*known))
                .or_insert(after);
        }
    }
    if since.is_empty() {
        return Ok(HashSet::new());
    }
    let wanted: Vec<Wanted> = since
        .into_iter()
        .map(|((service_id, environment_id), from)| Wanted {
            service_id,
            environment_id,
            from,
        })
        .collect();
    let erred = arrivals::erred(tx, &wanted).await?;
    let scopes = wanted.iter().zip(erred).filter(|(_, erred)| *erred);
    Ok(scopes
        .map(|(wanted, _)| (wanted.service_id, wanted.environment_id))
        .collect())
}

enum Look<'a> {
    Screened(Box<Looked<'a>>),
    /// It is evaluated by itself.
    Itself,
    /// It was looked at just now.
    PutOff,
    /// It watches nothing of the focus.
    Elsewhere,
}

struct Looked<'a> {
    rule: &'a AlertRule,
    definition: Definition,
    targets: Vec<&'a NamedScope>,
    window: Window,
}

impl<'a> Looked<'a> {
    fn at(
        rule: &'a AlertRule,
        targets: &'a [NamedScope],
        focus: &Focus,
        settled: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Look<'a> {
        let is_everything = matches!(focus, Focus::Everything);
        let by_itself = if is_everything {
            Look::Itself
        } else {
            Look::Elsewhere
        };
        // What is to end, and what this version does not understand, needs more than a look.
        let Ok(definition) = rule.definition() else {
            return by_itself;
        };
        if !rule.enabled || rule.deleted {
            return by_itself;
        }
        let targets: Vec<&NamedScope> = targets
            .iter()
            .filter(|target| {
                rule.scope.covers(target.service_id, target.environment_id) && focus.covers(target)
            })
            .collect();
        if targets.is_empty() && !is_everything {
            return Look::Elsewhere;
        }
        let facts = definition.condition.facts();
        // A search for each: not more often than once a second, however much is heard.
        let is_searched = matches!(facts, Facts::Lines | Facts::ErrorPatterns);
        let just_now = || {
            let last = rule.last_evaluated_at;
            last.is_some_and(|at| now - at < time::Duration::SECOND)
        };
        if is_searched && !is_everything && just_now() {
            return Look::PutOff;
        }
        match facts {
            Facts::Beats => return by_itself,
            Facts::Lines => return Look::Itself,
            // Once it is known that there are errors to look at.
            Facts::ErrorPatterns | Facts::Arrivals | Facts::ArrivalsAndDeployments | Facts::Deployments => {}
        }
        let window = Window::of(&definition.condition, rule.evaluated_to, settled, now);
        Look::Screened(Box::new(Self {
            rule,
            definition,
            targets,
            window,
        }))
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            condition: &self.definition.condition,
            targets: self.targets.clone(),
            after: self.window.horizon.after,
        }
    }

    /// Where templates of errors are to be looked at; `None` if there are none that are not known yet.
    fn to_search(
        &self,
        erred: &HashSet<(ServiceId, EnvironmentId)>,
        firings: &Firings,
        focus: &Focus,
    ) -> Option<RuleScope> {
        let targets = self.targets.iter();
        let mut erred = targets.filter(|target| erred.contains(&(target.service_id, target.environment_id)));
        let is_active = |row: &FiringRow| row.firing.state != FiringState::Inactive;
        let is_first = self.rule.evaluated_to.is_none();
        match (erred.next(), erred.next(), focus) {
            (Some(one), None, Focus::Scopes(_)) => Some(RuleScope {
                service_id: Some(one.service_id),
                environment_id: Some(one.environment_id),
            }),
            (Some(_), ..) => Some(RuleScope::default()),
            (None, ..) if self.window.is_late() || is_first || firings.values().any(is_active) => {
                Some(RuleScope::default())
            }
            (None, ..) => None,
        }
    }

    /// Where something is to be written; `None` if nothing is.
    fn to_write(&self, shared: &Shared, firings: &Firings, focus: &Focus) -> Option<RuleScope> {
        let mut changed: Vec<&NamedScope> = Vec::new();
        let mut seen = 0;
        for target in &self.targets {
            let fingerprint = Fingerprint::of_rule(self.rule.id, target.service_id, target.environment_id);
            let row = firings.get(&fingerprint);
            seen += usize::from(row.is_some());
            let before = row.map_or(Firing::NEW, |row| row.firing);
            let Some(history) = shared.history(&self.definition.condition, target) else {
                continue;
            };
            let horizon = self.window.from(row.and_then(|row| row.evaluated_to));
            let walked = walk(&self.definition, history, &before, horizon, |_, _, _| {});
            let is_quiet = walked.changes.is_empty() && walked.firing == before;
            let is_shown = before.state != FiringState::Inactive && walked.observed.is_some();
            if !is_quiet || is_shown && matches!(focus, Focus::Everything) {
                changed.push(target);
            }
        }
        // Rows of places where it no longer looks.
        let is_elsewhere = matches!(focus, Focus::Everything)
            && firings
                .values()
                .filter(|row| row.firing.state != FiringState::Inactive)
                .count()
                > 0
            && firings.len() > seen;
        match changed.as_slice() {
            [] if is_elsewhere || self.window.is_late() => Some(RuleScope::default()),
            [] => None,
            [one] if matches!(focus, Focus::Scopes(_)) => Some(RuleScope {
                service_id: Some(one.service_id),
                environment_id: Some(one.environment_id),
            }),
            _ => Some(RuleScope::default()),
        }
    }
}
