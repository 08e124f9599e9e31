//! One rule whose row is locked: its facts, what the evaluator makes of them, and what is written.

use std::collections::HashMap;
use std::time::Duration;

use db::alert_firings::{self, FiringRow};
use db::alert_rules::{self, AlertRule};
use db::alert_transitions::{self, NewTransition};
use db::scopes::{self, NamedScope};
use db::{Connection, DbError, TenantTx};
use domain::alerting::evaluator::{
    Firing, FiringState, NoData, Observation, Timing, Transition, Withdrawal, evaluate,
};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::history::History;
use domain::alerting::replay::{Change, walk};
use domain::alerting::rule::{Condition, Definition, Facts, RuleScope};
use domain::ids::OrgId;
use serde_json::Value;
use time::OffsetDateTime;

use super::facts::RECENT_DEPLOYMENTS;
use super::lines::Most;
use super::places::{self, Place};
use super::window::Window;
use super::{MAX_CHANGES, Report, effects, errors};
use crate::app::State;
use crate::firings::Memo;

/// What one search may cost.
const MOST_LINES: Most = Most {
    time: Duration::from_millis(1_500),
    groups: 1_000,
};

/// What an evaluation led to.
pub(super) struct Done {
    pub(super) report: Report,
    /// How far everything is judged; `None` when that was not all that the rule looks at.
    pub(super) evaluated_to: Option<OffsetDateTime>,
    /// Why the newest moments could not be judged.
    pub(super) no_data: Option<String>,
}

/// The facts of one version of a rule: of lines they were searched before the rule was locked.
pub(super) struct Searched {
    pub(super) version: i32,
    settled: OffsetDateTime,
    targets: Vec<NamedScope>,
    places: Vec<Place>,
    /// There are lines that were not looked at yet: what was found counts, and the same moments are judged again.
    is_partial: bool,
}

/// Whether lines are to be searched before the rule can be evaluated.
pub(super) fn needs_lines(rule: &AlertRule) -> bool {
    let is_watching = rule.enabled && !rule.deleted;
    is_watching
        && rule
            .condition()
            .is_ok_and(|condition| matches!(condition.facts(), Facts::Lines | Facts::ErrorPatterns))
}

/// Searches the lines that a rule is about, within a snapshot: merging moves them meanwhile.
pub(super) async fn search(
    conn: &mut Connection,
    state: &State,
    org_id: OrgId,
    rule: &AlertRule,
    focus: RuleScope,
) -> Result<Searched, DbError> {
    let condition = rule.condition()?;
    // Before the snapshot is taken, which shows all that had come until then.
    let settled = alert_rules::facts_settled_until_all_orgs(conn).await?;
    let window = Window::of(&condition, rule.evaluated_to, settled, settled);
    let tx = conn.tenant_snapshot(org_id).await?;
    let targets = targets(&tx, rule.scope, focus).await?;
    let span = window.span(&condition);
    let (places, is_partial) = match &condition {
        Condition::LogQuery(query) => {
            let asked = (rule.id, query);
            let places = places::search(&tx, &state.reader, asked, &targets, span, MOST_LINES).await?;
            (places, false)
        }
        Condition::NewPattern(pattern) => {
            let asked = (rule.id, pattern);
            errors::read(&tx, &state.errors, asked, &targets, span, RECENT_DEPLOYMENTS).await?
        }
        _ => (Vec::new(), false),
    };
    tx.commit().await?;
    Ok(Searched {
        version: rule.version,
        settled,
        targets,
        places,
        is_partial,
    })
}

pub(super) async fn evaluate_locked(
    tx: &TenantTx<'_>,
    rule: &AlertRule,
    searched: Option<Searched>,
    focus: RuleScope,
    now: OffsetDateTime,
) -> Result<Done, DbError> {
    let rows = alert_firings::list_of_rule(tx, rule.id).await?;
    let mut evaluated = Evaluated {
        tx,
        rule,
        now,
        report: Report::default(),
        memo: Memo::default(),
        to_fire: 0,
    };
    let withdrawn = if rule.deleted {
        Some(Withdrawal::RuleDeleted)
    } else if rule.enabled {
        None
    } else {
        Some(Withdrawal::RuleDisabled)
    };
    if let Some(withdrawal) = withdrawn {
        // Its parameters may be ones that this version cannot read: ending needs none of them.
        evaluated.withdraw(rows, withdrawal, &effects::UNTIMED).await?;
        return Ok(evaluated.done(None));
    }
    let definition = rule.definition()?;
    let Searched {
        settled,
        targets,
        places,
        is_partial,
        ..
    } = match searched {
        Some(searched) => searched,
        None => read(tx, rule, &definition.condition, focus, now).await?,
    };
    let window = Window::of(&definition.condition, rule.evaluated_to, settled, now);
    let mut known: HashMap<Fingerprint, FiringRow> = rows
        .into_iter()
        .filter(|row| is_in(focus, row))
        .map(|row| (row.fingerprint.clone(), row))
        .collect();
    let judged: Vec<(Place, Option<FiringRow>)> = places
        .into_iter()
        .map(|place| {
            let row = known.remove(&place.fingerprint);
            (place, row)
        })
        .collect();
    evaluated.to_fire = to_fire(&definition, &judged, window);
    for (place, row) in judged {
        evaluated.judge(&definition, &place, row, window).await?;
    }
    let mut elsewhere = Vec::new();
    for row in known.into_values() {
        match target_of_group(&row, &targets) {
            Some(target) => {
                let quiet = quiet_group(&row, target);
                evaluated.judge(&definition, &quiet, Some(row), window).await?;
            }
            None => elsewhere.push(row),
        }
    }
    evaluated
        .withdraw(elsewhere, Withdrawal::OutOfScope, &definition.timing)
        .await?;
    let is_everywhere = focus == RuleScope::default();
    let mut done = evaluated.done((is_everywhere && !is_partial).then_some(window.end));
    done.no_data = match (window.is_late(), is_partial) {
        (true, _) => Some(NoData::Late.to_string()),
        (false, true) => Some(NoData::Partial.to_string()),
        (false, false) => None,
    };
    Ok(done)
}

async fn read(
    tx: &TenantTx<'_>,
    rule: &AlertRule,
    condition: &Condition,
    focus: RuleScope,
    now: OffsetDateTime,
) -> Result<Searched, DbError> {
    // Before the facts: they are then as they were at that moment, or newer.
    let settled = alert_rules::facts_settled_until(tx).await?;
    let targets = targets(tx, rule.scope, focus).await?;
    let span = Window::of(condition, rule.evaluated_to, settled, now).span(condition);
    let places = places::read(tx, (rule.id, condition), &targets, span, RECENT_DEPLOYMENTS).await?;
    Ok(Searched {
        version: rule.version,
        settled,
        targets,
        places,
        is_partial: false,
    })
}

/// How many places begin to fire: whether that is a storm is known before the first of them is written.
fn to_fire(definition: &Definition, judged: &[(Place, Option<FiringRow>)], window: Window) -> u64 {
    let begins = |(place, row): &&(Place, Option<FiringRow>)| {
        let before = row.as_ref().map_or(Firing::NEW, |row| row.firing);
        let horizon = window.from(row.as_ref().and_then(|row| row.evaluated_to));
        let walked = walk(definition, &place.history, &before, horizon, |_, _, _| {});
        let mut changes = walked.changes.iter();
        changes.any(|change| matches!(change.transition, Transition::Fired { .. }))
    };
    judged.iter().filter(begins).count() as u64
}

/// A group that has no lines now.
fn quiet_group(row: &FiringRow, target: &NamedScope) -> Place {
    Place {
        fingerprint: row.fingerprint.clone(),
        target: target.clone(),
        group: row.group.clone(),
        history: History::default(),
    }
}

fn target_of_group<'a>(row: &FiringRow, targets: &'a [NamedScope]) -> Option<&'a NamedScope> {
    row.group.as_ref()?;
    targets.iter().find(|target| {
        Some(target.service_id) == row.service_id && Some(target.environment_id) == row.environment_id
    })
}

/// Where the rule looks, within the focus.
async fn targets(tx: &TenantTx<'_>, scope: RuleScope, focus: RuleScope) -> Result<Vec<NamedScope>, DbError> {
    let service_id = focus.service_id.or(scope.service_id);
    let environment_id = focus.environment_id.or(scope.environment_id);
    let mut targets = scopes::list_within(tx, service_id, environment_id).await?;
    targets.retain(|target| scope.covers(target.service_id, target.environment_id));
    Ok(targets)
}

fn is_in(focus: RuleScope, row: &FiringRow) -> bool {
    match (row.service_id, row.environment_id) {
        (Some(service_id), Some(environment_id)) => focus.covers(service_id, environment_id),
        (None, _) | (_, None) => focus == RuleScope::default(),
    }
}

struct Evaluated<'a> {
    tx: &'a TenantTx<'a>,
    rule: &'a AlertRule,
    now: OffsetDateTime,
    report: Report,
    memo: Memo,
    /// Places that begin to fire in this evaluation and are still to be written.
    to_fire: u64,
}

impl Evaluated<'_> {
    fn done(self, evaluated_to: Option<OffsetDateTime>) -> Done {
        Done {
            evaluated_to: evaluated_to.filter(|_| !self.report.more),
            report: self.report,
            no_data: None,
        }
    }

    /// One place where the rule looks, at each moment of the window.
    async fn judge(
        &mut self,
        definition: &Definition,
        place: &Place,
        row: Option<FiringRow>,
        window: Window,
    ) -> Result<(), DbError> {
        if self.is_full() {
            return Ok(());
        }
        let before = row.as_ref().map_or(Firing::NEW, |row| row.firing);
        let horizon = window.from(row.as_ref().and_then(|row| row.evaluated_to));
        let walked = walk(definition, &place.history, &before, horizon, |_, _, _| {});
        let Some(observed) = walked.observed else {
            return Ok(());
        };
        let is_quiet = walked.changes.is_empty() && walked.firing == before;
        // Most of what is looked at is quiet, and stays so.
        if is_quiet && before.state == FiringState::Inactive {
            return Ok(());
        }
        let old_value = row.as_ref().and_then(|row| row.last_value);
        let mut row = FiringRow {
            fingerprint: place.fingerprint.clone(),
            service_id: Some(place.target.service_id),
            environment_id: Some(place.target.environment_id),
            firing: walked.firing,
            last_evaluated_at: self.now,
            last_value: value_of(&observed).or(old_value),
            evaluated_to: Some(walked.until),
            group: place.group.clone(),
            incident_id: row.and_then(|row| row.incident_id),
        };
        for change in &walked.changes {
            row.firing = change.firing;
            self.apply(&mut row, Some(&place.target), change).await?;
            if row.firing != change.firing {
                // Another one was quicker: what comes after it is seen the next time.
                row.evaluated_to = Some(change.at);
                return alert_firings::save(self.tx, self.rule.id, &row).await;
            }
        }
        row.firing = walked.firing;
        alert_firings::save(self.tx, self.rule.id, &row).await
    }

    async fn apply(
        &mut self,
        row: &mut FiringRow,
        target: Option<&NamedScope>,
        change: &Change,
    ) -> Result<(), DbError> {
        let effect = effects::Effect {
            tx: self.tx,
            rule: self.rule,
            title: title_of(self.rule, row.group.as_ref()),
            target,
            observed: &change.observed,
            now: self.now,
        };
        if matches!(change.transition, Transition::Fired { .. }) {
            self.to_fire = self.to_fire.saturating_sub(1);
        }
        let transition = not_to_come(change.transition, self.now);
        effect
            .apply(&mut self.memo, self.to_fire, row, transition, &mut self.report)
            .await?;
        if row.firing != change.firing {
            return Ok(());
        }
        let new = NewTransition {
            rule_id: self.rule.id,
            rule_version: self.rule.version,
            fingerprint: &row.fingerprint,
            service_id: row.service_id,
            environment_id: row.environment_id,
            at: change.at,
            transition: change.transition,
            observed: &change.observed,
            firing: &row.firing,
            incident_id: row.incident_id,
        };
        alert_transitions::add(self.tx, &new).await
    }

    async fn withdraw(
        &mut self,
        rows: Vec<FiringRow>,
        withdrawal: Withdrawal,
        timing: &Timing,
    ) -> Result<(), DbError> {
        let observed = Observation::Withdrawn(withdrawal);
        for mut row in rows {
            if self.is_full() {
                return Ok(());
            }
            let (after, transition) = evaluate(timing, &observed, &row.firing, self.now);
            if after == row.firing && after.state == FiringState::Inactive {
                continue;
            }
            row.firing = after;
            row.last_evaluated_at = self.now;
            if let Some(transition) = transition {
                let change = Change {
                    at: self.now,
                    transition,
                    observed: observed.clone(),
                    firing: after,
                };
                self.apply(&mut row, None, &change).await?;
            }
            alert_firings::save(self.tx, self.rule.id, &row).await?;
        }
        Ok(())
    }

    fn is_full(&mut self) -> bool {
        self.report.more = self.report.more || self.report.changes() >= MAX_CHANGES;
        self.report.more
    }
}

/// What is decided early is decided for the end of its step: people are not told of times that have not come.
fn not_to_come(transition: Transition, now: OffsetDateTime) -> Transition {
    match transition {
        Transition::Fired { since } => Transition::Fired {
            since: since.min(now),
        },
        other @ (Transition::Pending { .. }
        | Transition::Held { .. }
        | Transition::Dropped
        | Transition::Ended(_)) => other,
    }
}

/// What an incident is called by: the rule's name, and the group or the template.
fn title_of(rule: &AlertRule, group: Option<&Value>) -> String {
    if let Some(template) = errors::template_of(rule, group) {
        return format!("{}: {template}", rule.name);
    }
    let Some(Value::Object(group)) = group else {
        return rule.name.clone();
    };
    let values: Vec<String> = group
        .iter()
        .map(|(field, value)| match value {
            Value::String(value) => format!("{field}={value}"),
            other => format!("{field}={other}"),
        })
        .collect();
    format!("{} ({})", rule.name, values.join(", "))
}

fn value_of(observed: &Observation) -> Option<f64> {
    match observed {
        Observation::Read(reading) => Some(reading.value),
        Observation::NoData(_) | Observation::Withdrawn(_) => None,
    }
}
