//! Reading the facts of rules, for all the places that they look at in as few statements as it takes.

use std::collections::HashMap;

use db::alert_heartbeats;
use db::scopes::NamedScope;
use db::{DbError, TenantTx, deployments};
use domain::alerting::history::{DeploymentReport, History, Series};
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
/// A scope, whose lines are counted in bins of this width.
type Binned = (ScopeId, Duration);

/// Deployments and arrivals of an organisation's scopes, shared by the rules that ask for them.
#[derive(Default)]
pub(crate) struct Shared {
    reports: HashMap<ScopeId, Vec<DeploymentReport>>,
    histories: HashMap<Binned, History>,
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
        let from = shared.wanted(asked);
        let (series, newest) = tokio::try_join!(arrived(tx, &from, until), newest(tx, asked))?;
        for (scope, step) in from.into_keys() {
            let deployments = shared.reports.get(&scope).cloned().unwrap_or_default();
            let history = History {
                deployments,
                lines: series.get(&(scope, step)).cloned().unwrap_or_default(),
                last_before: newest.get(&(scope, step)).copied().flatten(),
                ..History::default()
            };
            shared.histories.insert((scope, step), history);
        }
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

    /// From when on the lines of each scope are needed, in bins of which width.
    fn wanted(&self, asked: &[Asked<'_>]) -> HashMap<Binned, Option<OffsetDateTime>> {
        let mut wanted: HashMap<Binned, Option<OffsetDateTime>> = HashMap::new();
        for ask in asked {
            if !matches!(
                ask.condition.facts(),
                Facts::Arrivals | Facts::ArrivalsAndDeployments
            ) {
                continue;
            }
            for target in &ask.targets {
                let scope = id_of(target);
                let reports = self.reports.get(&scope).map(Vec::as_slice).unwrap_or_default();
                let from = ask.condition.lines_from(reports, ask.after);
                let known = wanted.entry((scope, ask.condition.step())).or_default();
                *known = match (*known, from) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        wanted
    }
}

async fn arrived(
    tx: &TenantTx<'_>,
    from: &HashMap<Binned, Option<OffsetDateTime>>,
    until: OffsetDateTime,
) -> Result<HashMap<Binned, Series>, DbError> {
    let (places, wanted): (Vec<Binned>, Vec<(Wanted, Duration)>) = from
        .iter()
        .filter_map(|(place, from)| Some((*place, (wanted(place.0, (*from)?), place.1))))
        .unzip();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let series = arrivals::series(tx, &wanted, until).await?;
    Ok(places.into_iter().zip(series).collect())
}

/// When the last line came before the first moment, of scopes that are asked for silence.
async fn newest(
    tx: &TenantTx<'_>,
    asked: &[Asked<'_>],
) -> Result<HashMap<Binned, Option<OffsetDateTime>>, DbError> {
    let silent = asked
        .iter()
        .filter(|ask| ask.condition.kind() == RuleType::Silence);
    let mut places: Vec<Binned> = silent
        .flat_map(|ask| {
            let step = ask.condition.step();
            ask.targets.iter().map(move |target| (id_of(target), step))
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    let earliest = asked.iter().map(|ask| ask.after).min();
    let wanted: Vec<Wanted> = places
        .iter()
        .filter_map(|(scope, _)| Some(wanted(*scope, earliest?)))
        .collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let newest = arrivals::newest_before(tx, &wanted).await?;
    Ok(places.into_iter().zip(newest).collect())
}

fn wanted((service_id, environment_id): ScopeId, from: OffsetDateTime) -> Wanted {
    Wanted {
        service_id,
        environment_id,
        from,
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
