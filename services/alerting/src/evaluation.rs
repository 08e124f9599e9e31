//! Evaluating one rule: lock, read, decide, write, in one transaction of its tenant.
//!
//! The rule's row is locked first, so that evaluations of one rule come one after the other, on whatever replica. What
//! they find decides, not what caused them: repeated, concurrent and reordered events change nothing. Most rules find
//! nothing most of the time; [`screen`] finds that out for all of an organisation at once, without a lock.

mod effects;
pub(crate) mod errors;
pub(crate) mod facts;
pub(crate) mod lines;
pub(crate) mod memory;
pub(crate) mod places;
mod rule;
pub(crate) mod screen;
mod turns;
mod window;

use std::time::{Duration, Instant};

use db::alert_rules::{self, AlertRule};
use db::{Connection, DbError, causes};
use domain::alerting::rule::RuleScope;
use domain::ids::{AlertRuleId, OrgId};
use service_kit::Kit;

use self::rule::Searched;
pub(crate) use self::turns::Turns;
use crate::app::State;
use crate::firings::Placed;
use crate::metrics::{self, Evaluation};

/// How long one statement of an evaluation may take, by the server's clock.
const STATEMENT_BUDGET: Duration = Duration::from_secs(2);
/// How long a whole evaluation may take: a database that answers nothing must not hold up other tenants.
const RULE_BUDGET: Duration = Duration::from_secs(10);

/// Firings that one transaction begins or ends at most: a rule that fires everywhere at once is taken in parts,
/// each of which fits into the budget.
const MAX_CHANGES: usize = 200;
/// Parts that follow one another; what is left then waits for the next event or sweep.
const MAX_PARTS: usize = 100;

/// What an evaluation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) opened: usize,
    pub(crate) reopened: usize,
    pub(crate) resolved: usize,
    /// Firings that joined an incident that was open.
    pub(crate) joined: usize,
    /// Problems that are clear while others of their incident fire on.
    pub(crate) cleared: usize,
    /// Whether it stopped before its end, at [`MAX_CHANGES`].
    more: bool,
}

impl Report {
    fn changes(self) -> usize {
        self.opened + self.reopened + self.resolved + self.joined + self.cleared
    }

    fn count(&mut self, placed: Placed) {
        match placed {
            Placed::Opened(_) => self.opened += 1,
            Placed::Reopened(_) => self.reopened += 1,
            Placed::Joined(_) => self.joined += 1,
        }
    }

    fn add(&mut self, part: Self) {
        self.opened += part.opened;
        self.reopened += part.reopened;
        self.resolved += part.resolved;
        self.joined += part.joined;
        self.cleared += part.cleared;
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
        whole.add(part);
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
    let result = within_budget(kit, state, org_id, rule_id, focus).await;
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
    state: &State,
    org_id: OrgId,
    rule_id: AlertRuleId,
    focus: RuleScope,
) -> Result<Report, EvaluationError> {
    let mut conn = kit.db.conn("alerting.evaluate").await?;
    let evaluated =
        tokio::time::timeout(RULE_BUDGET, transact(&mut conn, state, org_id, rule_id, focus)).await;
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
        error = causes::chain(error),
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
        tracing::debug!(error = causes::chain(&error), rule.id = %rule_id, "nor was that noted with rule {rule_id}");
    }
}

/// Evaluates with the rule locked. Lines are searched before that, within a snapshot of their own.
async fn transact(
    conn: &mut Connection,
    state: &State,
    org_id: OrgId,
    rule_id: AlertRuleId,
    focus: RuleScope,
) -> Result<Report, DbError> {
    match locked(conn, org_id, rule_id, focus, None).await? {
        Locked::Done(report) => Ok(report),
        Locked::NeedsLines(rule) => {
            let searched = rule::search(conn, state, org_id, &rule, focus).await?;
            match locked(conn, org_id, rule_id, focus, Some(searched)).await? {
                Locked::Done(report) => Ok(report),
                // It was changed meanwhile, and the change brings its own evaluation.
                Locked::NeedsLines(_) => Ok(Report::default()),
            }
        }
    }
}

enum Locked {
    Done(Report),
    NeedsLines(Box<AlertRule>),
}

async fn locked(
    conn: &mut Connection,
    org_id: OrgId,
    rule_id: AlertRuleId,
    focus: RuleScope,
    searched: Option<Searched>,
) -> Result<Locked, DbError> {
    let tx = conn.tenant(org_id).await?;
    let locked = alert_rules::lock_for_evaluation(&tx, rule_id, STATEMENT_BUDGET).await?;
    let Some((rule, now)) = locked else {
        return Ok(Locked::Done(Report::default()));
    };
    let searched = searched.filter(|searched| searched.version == rule.version);
    if searched.is_none() && rule::needs_lines(&rule) {
        return Ok(Locked::NeedsLines(Box::new(rule)));
    }
    let done = rule::evaluate_locked(&tx, &rule, searched, focus, now).await?;
    if rule.deleted && !done.report.more {
        alert_rules::remove_deleted(&tx, rule_id).await?;
    } else {
        alert_rules::record_evaluation(&tx, rule_id, now, done.evaluated_to).await?;
    }
    if let Some(why) = &done.no_data {
        alert_rules::record_failure(&tx, rule_id, why).await?;
    }
    tx.commit().await?;
    Ok(Locked::Done(done.report))
}
