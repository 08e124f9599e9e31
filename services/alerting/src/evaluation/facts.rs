//! Reading the facts of rules, for all the places that they look at in as few statements as it takes.

use std::collections::HashMap;

use db::alert_heartbeats;
use db::scopes::NamedScope;
use db::{DbError, TenantTx, deployments};
use domain::alerting::history::{DeploymentReport, History};
use domain::alerting::rule::{Condition, Facts, RuleType};
use domain::ids::{AlertRuleId, EnvironmentId, ServiceId};
use logstore::arrivals::{self, Wanted};
use time::{Duration, OffsetDateTime};

/// Deployments of a place that are looked into when something is judged now: no more run at the same time.
pub(crate) const RECENT_DEPLOYMENTS: i64 = 100;

/// The moments that are to be judged: after the first, up to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) after: OffsetDateTime,
    pub(crate) until: OffsetDateTime,
}

type ScopeId = (ServiceId, EnvironmentId);

/// Deployments and arrivals of an organisation's scopes, shared by the rules that ask for them.
#[derive(Default)]
pub(crate) struct Shared {
    reports: HashMap<ScopeId, Vec<DeploymentReport>>,
    histories: HashMap<(ScopeId, Duration), History>,
    /// Of conditions over deployments alone.
    deployed: HashMap<ScopeId, History>,
}

/// A condition, and where it is to be judged.
pub(crate) struct Asked<'a> {
    pub(crate) condition: &'a Condition,
    pub(crate) targets: Vec<&'a NamedScope>,
    pub(crate) after: OffsetDateTime,
}

impl Shared {
    /// Reads what all of them need, up to `until`.
    pub(crate) async fn read(
        tx: &TenantTx<'_>,
        asked: &[Asked<'_>],
        until: OffsetDateTime,
        most_deployments: i64,
    ) -> Result<Self, DbError> {
        let mut shared = Self::default();
        shared.read_deployments(tx, asked, most_deployments).await?;
        shared.read_arrivals(tx, asked, until).await?;
        shared.read_last(tx, asked).await?;
        Ok(shared)
    }

    /// What is known of a scope, for a condition that was among those that were asked for.
    pub(crate) fn history(&self, condition: &Condition, target: &NamedScope) -> Option<&History> {
        let scope = id_of(target);
        match condition.facts() {
            Facts::Deployments => self.deployed.get(&scope),
            Facts::Arrivals | Facts::ArrivalsAndDeployments => self.histories.get(&(scope, condition.step())),
            Facts::Lines | Facts::ErrorPatterns | Facts::Beats => None,
        }
    }

    async fn read_deployments(
        &mut self,
        tx: &TenantTx<'_>,
        asked: &[Asked<'_>],
        most_each: i64,
    ) -> Result<(), DbError> {
        let mut scopes: Vec<ScopeId> = asked
            .iter()
            .filter(|ask| {
                matches!(
                    ask.condition.facts(),
                    Facts::Deployments | Facts::ArrivalsAndDeployments
                )
            })
            .flat_map(|ask| ask.targets.iter().map(|target| id_of(target)))
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Ok(());
        }
        let reports = deployments::reports(tx, &scopes, most_each).await?;
        for (scope, reports) in scopes.into_iter().zip(reports) {
            let history = History {
                deployments: reports.clone(),
                ..History::default()
            };
            self.deployed.insert(scope, history);
            self.reports.insert(scope, reports);
        }
        Ok(())
    }

    async fn read_arrivals(
        &mut self,
        tx: &TenantTx<'_>,
        asked: &[Asked<'_>],
        until: OffsetDateTime,
    ) -> Result<(), DbError> {
        for (step, from) in self.wanted(asked) {
            let wanted: Vec<Wanted> = from
                .iter()
                .filter_map(|((service_id, environment_id), from)| {
                    from.map(|from| Wanted {
                        service_id: *service_id,
                        environment_id: *environment_id,
                        from,
                    })
                })
                .collect();
            let series = if wanted.is_empty() {
                Vec::new()
            } else {
                arrivals::series(tx, &wanted, until, step).await?
            };
            for scope in from.into_keys() {
                let deployments = self.reports.get(&scope).cloned().unwrap_or_default();
                let history = History {
                    deployments,
                    ..History::default()
                };
                self.histories.insert((scope, step), history);
            }
            for (wanted, lines) in wanted.into_iter().zip(series) {
                let place = ((wanted.service_id, wanted.environment_id), step);
                if let Some(history) = self.histories.get_mut(&place) {
                    history.lines = lines;
                }
            }
        }
        Ok(())
    }

    /// By the width of their bins, the scopes, and from when on each one's lines are needed.
    fn wanted(&self, asked: &[Asked<'_>]) -> HashMap<Duration, HashMap<ScopeId, Option<OffsetDateTime>>> {
        let mut wanted: HashMap<Duration, HashMap<ScopeId, Option<OffsetDateTime>>> = HashMap::new();
        for ask in asked {
            if !matches!(
                ask.condition.facts(),
                Facts::Arrivals | Facts::ArrivalsAndDeployments
            ) {
                continue;
            }
            let step = wanted.entry(ask.condition.step()).or_default();
            for target in &ask.targets {
                let scope = id_of(target);
                let reports = self.reports.get(&scope).map(Vec::as_slice).unwrap_or_default();
                let from = ask.condition.lines_from(reports, ask.after);
                let known = step.entry(scope).or_default();
                *known = match (*known, from) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        wanted
    }

    /// When the last line came, of scopes that are asked for silence.
    async fn read_last(&mut self, tx: &TenantTx<'_>, asked: &[Asked<'_>]) -> Result<(), DbError> {
        let silent = asked
            .iter()
            .filter(|ask| ask.condition.kind() == RuleType::Silence);
        let mut places: Vec<(ScopeId, Duration)> = silent
            .flat_map(|ask| {
                let step = ask.condition.step();
                ask.targets.iter().map(move |target| (id_of(target), step))
            })
            // Where a line is known before the first moment, that is the last one.
            .filter(|place| {
                self.histories
                    .get(place)
                    .is_some_and(|history| history.last_before.is_none())
            })
            .collect();
        places.sort_unstable();
        places.dedup();
        if places.is_empty() {
            return Ok(());
        }
        let earliest = asked.iter().map(|ask| ask.after).min();
        let wanted: Vec<Wanted> = places
            .iter()
            .filter_map(|((service_id, environment_id), _)| {
                earliest.map(|from| Wanted {
                    service_id: *service_id,
                    environment_id: *environment_id,
                    from,
                })
            })
            .collect();
        let newest = arrivals::newest_before(tx, &wanted).await?;
        for (place, newest) in places.iter().zip(newest) {
            if let Some(history) = self.histories.get_mut(place) {
                history.last_before = newest;
            }
        }
        Ok(())
    }
}

fn id_of(target: &NamedScope) -> ScopeId {
    (target.service_id, target.environment_id)
}

/// The calls of a rule's job.
pub(crate) async fn beats(tx: &TenantTx<'_>, rule_id: AlertRuleId, span: Span) -> Result<History, DbError> {
    Ok(History {
        beats: alert_heartbeats::calls(tx, rule_id, (span.after, span.until)).await?,
        ..History::default()
    })
}
