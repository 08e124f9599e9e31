//! Reading history for rules that are tried on it, within bounds: a part of the places at a time, and for so long at most.

use std::time::{Duration, Instant};

use db::scopes::{self, NamedScope};
use db::{DbError, alert_rules};
use domain::alerting::rule::{Condition, NewPattern, RuleScope};
use domain::ids::{AlertRuleId, OrgId};
use service_kit::{ApiError, Kit};
use time::OffsetDateTime;
use tokio::sync::SemaphorePermit;

use crate::app::State;
use crate::evaluation::errors;
use crate::evaluation::facts::Span;
use crate::evaluation::lines::Most;
use crate::evaluation::places::{self, Place};

/// How long reading may take in all.
const BUDGET: Duration = Duration::from_secs(15);
/// Environments that one rule may be tried on.
const MOST_PLACES: usize = 500;
/// Places that are read at once: a month of one that is busy takes some megabytes.
const AT_ONCE: usize = 4;
/// Of each place: more than a month has.
const MOST_DEPLOYMENTS: i64 = 5_000;
/// Groups of a query.
const MOST_GROUPS: usize = 500;
/// Whoever comes while so many look back waits for another time.
pub(crate) const LOOKING_BACK: usize = 2;

/// Somebody who may look back now.
pub(super) struct Past<'a> {
    kit: &'a Kit,
    state: &'a State,
    org_id: OrgId,
    started: Instant,
    _turn: SemaphorePermit<'a>,
}

impl<'a> Past<'a> {
    pub(super) fn open(kit: &'a Kit, state: &'a State, org_id: OrgId) -> Result<Self, ApiError> {
        let turn = state
            .looking_back
            .try_acquire()
            .map_err(|_taken| ApiError::Busy {
                message: "others are trying rules on history at this moment; try again in a few seconds"
                    .to_owned(),
                retry_after_s: 5,
            })?;
        Ok(Self {
            kit,
            state,
            org_id,
            started: Instant::now(),
            _turn: turn,
        })
    }

    /// Up to when facts are known for good.
    pub(super) async fn settled(&self) -> Result<OffsetDateTime, ApiError> {
        let conn = self.kit.db.conn("alerting.past").await?;
        Ok(alert_rules::facts_settled_until_all_orgs(&conn).await?)
    }

    /// Reads the facts of a rule wherever it looks, and gives the places to `take`, some at a time.
    pub(super) async fn each(
        &self,
        (rule_id, condition): (AlertRuleId, &Condition),
        scope: RuleScope,
        span: Span,
        mut take: impl FnMut(Vec<Place>),
    ) -> Result<(), ApiError> {
        let targets = self.targets(scope).await?;
        if let Condition::LogQuery(query) = condition {
            let mut conn = self.kit.db.conn("alerting.past").await?;
            let tx = conn.tenant_snapshot(self.org_id).await?;
            let most = Most {
                time: self.left()?,
                groups: MOST_GROUPS,
            };
            let places = places::search(&tx, &self.state.reader, (rule_id, query), &targets, span, most)
                .await
                .map_err(too_slow)?;
            if places.iter().any(|place| place.history.is_partial) {
                return Err(too_much());
            }
            take(places);
            return Ok(());
        }
        if let Condition::NewPattern(pattern) = condition {
            return self.errors((rule_id, pattern), &targets, span, take).await;
        }
        for some in targets.chunks(AT_ONCE) {
            let left = self.left()?;
            let mut conn = self.kit.db.conn("alerting.past").await?;
            let read = async {
                let tx = conn.tenant(self.org_id).await?;
                places::read(&tx, (rule_id, condition), some, span, MOST_DEPLOYMENTS).await
            };
            match tokio::time::timeout(left, read).await {
                Ok(places) => take(places.map_err(too_slow)?),
                Err(_elapsed) => {
                    // A statement may still run on it.
                    conn.discard();
                    return Err(too_much());
                }
            }
        }
        Ok(())
    }

    /// The same of a rule over new patterns.
    async fn errors(
        &self,
        asked: (AlertRuleId, &NewPattern),
        targets: &[NamedScope],
        span: Span,
        mut take: impl FnMut(Vec<Place>),
    ) -> Result<(), ApiError> {
        for some in targets.chunks(AT_ONCE) {
            let left = self.left()?;
            let mut conn = self.kit.db.conn("alerting.past").await?;
            let read = async {
                let tx = conn.tenant_snapshot(self.org_id).await?;
                errors::read(&tx, &self.state.errors, asked, some, span, MOST_DEPLOYMENTS).await
            };
            match tokio::time::timeout(left, read).await {
                Ok(read) => match read.map_err(too_slow)? {
                    (_, true) => return Err(too_much()),
                    (places, false) => take(places),
                },
                Err(_elapsed) => {
                    // A statement may still run on it.
                    conn.discard();
                    return Err(too_much());
                }
            }
        }
        Ok(())
    }

    async fn targets(&self, scope: RuleScope) -> Result<Vec<NamedScope>, ApiError> {
        let mut conn = self.kit.db.conn("alerting.past").await?;
        let tx = conn.tenant(self.org_id).await?;
        let targets = scopes::list_within(&tx, scope.service_id, scope.environment_id).await?;
        if targets.is_empty() && scope != RuleScope::default() {
            return Err(ApiError::NotFound {
                what: "the service or environment of the rule",
            });
        }
        if targets.len() > MOST_PLACES {
            return Err(ApiError::invalid(
                "service_id",
                format!(
                    "is needed: {} environments are more than a rule is tried on at once ({MOST_PLACES})",
                    targets.len()
                ),
            ));
        }
        Ok(targets)
    }

    fn left(&self) -> Result<Duration, ApiError> {
        BUDGET
            .checked_sub(self.started.elapsed())
            .filter(|left| !left.is_zero())
            .ok_or_else(too_much)
    }
}

fn too_slow(error: DbError) -> ApiError {
    if error.is_unavailable() {
        too_much()
    } else {
        error.into()
    }
}

fn too_much() -> ApiError {
    ApiError::invalid(
        "days",
        format!(
            "is more history than can be looked at within {} s; choose fewer days, a shorter range, one service, or a query \
             that matches fewer lines",
            BUDGET.as_secs()
        ),
    )
}
