//! Evaluating one rule: lock, read, decide, write, in one transaction of its tenant.
//!
//! The rule's row is locked first, so that evaluations of one rule come one after the other, on whatever replica. What
//! they find decides, not what caused them: repeated, concurrent and reordered events change nothing.

mod effects;
mod readings;
mod turns;

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use db::alert_firings::{self, FiringRow};
use db::alert_rules::{self, AlertRule};
use db::scopes::{self, NamedScope};
use db::{Connection, DbError, TenantTx};
use domain::alerting::evaluator::{Firing, FiringState, Observation, Timing, Withdrawal, evaluate};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::rule::RuleScope;
use domain::ids::{AlertRuleId, OrgId};
use service_kit::Kit;
use time::OffsetDateTime;

pub(crate) use self::turns::Turns;
use crate::app::State;
use crate::metrics::{self, Evaluation};

/// How long one statement of an evaluation may take, by the server's clock.
const STATEMENT_BUDGET: Duration = Duration::from_secs(2);
/// How long a whole evaluation may take: a database that answers nothing must not hold up other tenants.
const RULE_BUDGET: Duration = Duration::from_secs(10);

/// Incidents that one transaction opens or resolves at most: a rule that fires everywhere at once is taken in parts,
/// each of which fits into the budget.
const MAX_CHANGES: usize = 200;
/// Parts that follow one another; what is left then waits for the next event or sweep.
const MAX_PARTS: usize = 100;

/// What an evaluation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) opened: usize,
    pub(crate) resolved: usize,
    /// Whether it stopped before its end, at [`MAX_CHANGES`].
    more: bool,
}

impl Report {
    fn changes(self) -> usize {
        self.opened + self.resolved
    }
}

/// Why a rule was not evaluated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvaluationError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the evaluation took longer than {} s", RULE_BUDGET.as_secs())]
    TooSlow,
}

impl EvaluationError {
    /// What the rule's owner is told.
    fn in_words(&self) -> String {
        match self {
            Self::Db(DbError::Corrupt { source, .. }) => {
                format!("this version does not understand the rule: {source}")
            }
            Self::Db(error) if error.is_unavailable() => {
                "the evaluation took too long or the database was busy; a narrower scope or a shorter window helps"
                    .to_owned()
            }
            Self::Db(_) => "internal error; the operator's log has the cause".to_owned(),
            Self::TooSlow => self.to_string(),
        }
    }
}

/// Evaluates a rule where it looks within `focus` (everywhere by default). What fails is noted with the rule.
pub(crate) async fn run(
    kit: &Kit,
    state: &State,
    org_id: OrgId,
    rule_id: AlertRuleId,
    focus: RuleScope,
) -> Result<Report, EvaluationError> {
    let mut whole = Report::default();
    for _part in 0..MAX_PARTS {
        let part = run_part(kit, state, org_id, rule_id, focus).await?;
        whole.opened += part.opened;
        whole.resolved += part.resolved;
        if !part.more {
            break;
        }
    }
    Ok(whole)
}

async fn run_part(
    kit: &Kit,
    state: &State,
    org_id: OrgId,
    rule_id: AlertRuleId,
    focus: RuleScope,
) -> Result<Report, EvaluationError> {
    let turn = state.evaluations.take(rule_id).await;
    let started = Instant::now();
    let result = within_budget(kit, org_id, rule_id, focus).await;
    let outcome = match &result {
        Ok(report) if report.changes() > 0 => Evaluation::Changed,
        Ok(_) => Evaluation::Unchanged,
        Err(_) => Evaluation::Failed,
    };
    metrics::evaluated(outcome, started.elapsed());
    drop(turn);
    match (&result, outcome) {
        (Err(error), _) => note_failure(kit, org_id, rule_id, error).await,
        (Ok(_), Evaluation::Changed) => state.wake(),
        (Ok(_), Evaluation::Unchanged | Evaluation::Failed) => {}
    }
    result
}

async fn within_budget(
    kit: &Kit,
    org_id: OrgId,
    rule_id: AlertRuleId,
    focus: RuleScope,
) -> Result<Report, EvaluationError> {
    let mut conn = kit.db.conn("alerting.evaluate").await?;
    let evaluated = tokio::time::timeout(RULE_BUDGET, transact(&mut conn, org_id, rule_id, focus)).await;
    match evaluated {
        Ok(result) => Ok(result?),
        Err(_elapsed) => {
            // A statement may still run on it.
            conn.discard();
            Err(EvaluationError::TooSlow)
        }
    }
}

async fn note_failure(kit: &Kit, org_id: OrgId, rule_id: AlertRuleId, error: &EvaluationError) {
    tracing::warn!(
        error = error as &dyn Error,
        rule.id = %rule_id,
        org.id = %org_id,
        "rule {rule_id} was not evaluated"
    );
    let noted = async {
        let mut conn = kit.db.conn("alerting.note_failure").await?;
        let tx = conn.tenant(org_id).await?;
        alert_rules::record_failure(&tx, rule_id, &error.in_words()).await?;
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::debug!(error = &error as &dyn Error, rule.id = %rule_id, "nor was that noted with rule {rule_id}");
    }
}

async fn transact(
    conn: &mut Connection,
    org_id: OrgId,
    rule_id: AlertRuleId,
    focus: RuleScope,
) -> Result<Report, DbError> {
    let tx = conn.tenant(org_id).await?;
    let locked = alert_rules::lock_for_evaluation(&tx, rule_id, STATEMENT_BUDGET).await?;
    let Some((rule, now)) = locked else {
        return Ok(Report::default());
    };
    let report = evaluate_locked(&tx, &rule, focus, now).await?;
    if rule.deleted && !report.more {
        alert_rules::remove_deleted(&tx, rule_id).await?;
    } else {
        alert_rules::record_evaluation(&tx, rule_id, now).await?;
    }
    tx.commit().await?;
    Ok(report)
}

async fn evaluate_locked(
    tx: &TenantTx<'_>,
    rule: &AlertRule,
    focus: RuleScope,
    now: OffsetDateTime,
) -> Result<Report, DbError> {
    let rows = alert_firings::list_of_rule(tx, rule.id).await?;
    let withdrawn = if rule.deleted {
        Some(Withdrawal::RuleDeleted)
    } else if rule.enabled {
        None
    } else {
        Some(Withdrawal::RuleDisabled)
    };
    let mut evaluated = Evaluated {
        tx,
        rule,
        now,
        report: Report::default(),
    };
    if let Some(withdrawal) = withdrawn {
        // Its parameters may be ones that this version cannot read: ending needs none of them.
        evaluated.withdraw(rows, withdrawal, &effects::UNTIMED).await?;
        return Ok(evaluated.report);
    }
    let condition = rule.condition()?;
    let timing = condition.timing(rule.for_seconds, rule.cooldown_seconds);
    let targets = targets(tx, rule.scope, focus).await?;
    let readings = readings::read(tx, condition, &targets, now).await?;
    let mut known: HashMap<Fingerprint, FiringRow> = rows
        .into_iter()
        .filter(|row| is_in(focus, row))
        .map(|row| (row.fingerprint.clone(), row))
        .collect();
    for (target, reading) in targets.iter().zip(readings) {
        let fingerprint = Fingerprint::of_rule(rule.id, target.service_id, target.environment_id);
        let row = known.remove(&fingerprint);
        let subject = Subject {
            fingerprint,
            target: Some(target),
            row,
        };
        evaluated
            .one(subject, &Observation::Read(reading), &timing)
            .await?;
    }
    let elsewhere = known.into_values().collect();
    evaluated
        .withdraw(elsewhere, Withdrawal::OutOfScope, &timing)
        .await?;
    Ok(evaluated.report)
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

/// One fingerprint with what is stored about it.
struct Subject<'a> {
    fingerprint: Fingerprint,
    /// `None` where the rule no longer looks.
    target: Option<&'a NamedScope>,
    row: Option<FiringRow>,
}

struct Evaluated<'a> {
    tx: &'a TenantTx<'a>,
    rule: &'a AlertRule,
    now: OffsetDateTime,
    report: Report,
}

impl Evaluated<'_> {
    async fn withdraw(
        &mut self,
        rows: Vec<FiringRow>,
        withdrawal: Withdrawal,
        timing: &Timing,
    ) -> Result<(), DbError> {
        for row in rows {
            let subject = Subject {
                fingerprint: row.fingerprint.clone(),
                target: None,
                row: Some(row),
            };
            self.one(subject, &Observation::Withdrawn(withdrawal), timing)
                .await?;
        }
        Ok(())
    }

    async fn one(
        &mut self,
        subject: Subject<'_>,
        observed: &Observation,
        timing: &Timing,
    ) -> Result<(), DbError> {
        if self.report.changes() >= MAX_CHANGES {
            self.report.more = true;
            return Ok(());
        }
        let before = subject.row.as_ref().map_or(Firing::NEW, |row| row.firing);
        let (after, transition) = evaluate(timing, observed, &before, self.now);
        // Most of what is looked at is quiet, and stays so.
        if after == before && after.state == FiringState::Inactive {
            return Ok(());
        }
        let mut row = row_of(&subject, after, observed, self.now);
        if let Some(transition) = transition {
            let effect = effects::Effect {
                tx: self.tx,
                rule: self.rule,
                target: subject.target,
                observed,
                now: self.now,
            };
            effect.apply(&mut row, transition, &mut self.report).await?;
        }
        alert_firings::save(self.tx, self.rule.id, &row).await
    }
}

fn row_of(subject: &Subject<'_>, firing: Firing, observed: &Observation, now: OffsetDateTime) -> FiringRow {
    let old = subject.row.as_ref();
    let value = match observed {
        Observation::Read(reading) => Some(reading.value),
        Observation::Withdrawn(_) => old.and_then(|row| row.last_value),
    };
    FiringRow {
        fingerprint: subject.fingerprint.clone(),
        service_id: subject
            .target
            .map(|target| target.service_id)
            .or_else(|| old.and_then(|row| row.service_id)),
        environment_id: subject
            .target
            .map(|target| target.environment_id)
            .or_else(|| old.and_then(|row| row.environment_id)),
        firing,
        last_evaluated_at: now,
        last_value: value,
        incident_id: old.and_then(|row| row.incident_id),
    }
}
