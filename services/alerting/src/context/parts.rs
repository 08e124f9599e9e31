//! The parts of an incident's context, each with a connection, a snapshot and a time of its own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use db::deployments::{self, Deployment};
use db::incidents::{self, Incident, events};
use db::{Connection, DbError, causes};
use domain::ids::{IncidentEventId, IncidentId, OrgId, ServiceId};
use domain::query::Expr;
use domain::what_changed::Kind;
use logstore::changes::{self, ChangedPattern, Leaning, Side};
use logstore::reader::{Chosen, Intervals, Line, PatternsPlan};
use service_kit::Kit;

use super::Windows;
use super::lines::{self, ERRORS};
use super::place::Place;
use crate::app::State;

/// What one part may take, turns and connections included.
const PART_WITHIN: Duration = Duration::from_secs(3);
/// What its searches may take of that, each.
const SEARCH: Duration = Duration::from_secs(1);
const DEPLOYMENTS: i64 = 3;
const PATTERNS: usize = 5;
const VALUES: usize = 5;
const SIMILAR: i64 = 5;
/// Lines that are looked at one by one to find patterns.
const MOST_MINED: u64 = 50_000;

/// What was found of a part; all of it, unless there is a reason why not.
#[derive(Clone, Debug)]
pub(crate) struct Found<T> {
    pub(crate) found: Vec<T>,
    pub(crate) partial: Option<String>,
}

impl<T> Found<T> {
    fn all(found: Vec<T>) -> Self {
        Self { found, partial: None }
    }

    fn none(reason: &str) -> Self {
        Self {
            found: Vec::new(),
            partial: Some(reason.to_owned()),
        }
    }

    fn cut(found: Vec<T>, is_cut: bool) -> Self {
        Self {
            found,
            partial: is_cut.then(|| "there are more lines than could be looked at in time".to_owned()),
        }
    }
}

/// Looks for one incident's context.
pub(crate) struct Seeker<'a> {
    pub(crate) kit: &'a Kit,
    pub(crate) state: &'a State,
    pub(crate) org_id: OrgId,
    pub(crate) incident: &'a Incident,
    pub(crate) place: &'a Place,
}

/// A deployment, and what tells it from the one before it.
#[derive(Clone, Debug)]
pub(crate) struct Deployed {
    pub(crate) deployment: Deployment,
    pub(crate) compare_url: Option<String>,
}

/// An earlier incident, and how it ended.
#[derive(Clone, Debug)]
pub(crate) struct Similar {
    pub(crate) incident: Incident,
    pub(crate) end: Option<(IncidentEventId, String)>,
}

impl Seeker<'_> {
    /// Runs a part within its time; whatever goes wrong is its own.
    async fn part<T>(
        &self,
        purpose: &'static str,
        look: impl AsyncFnOnce(&mut Connection) -> Result<Found<T>, DbError>,
    ) -> Found<T> {
        let looked = async {
            let mut conn = self.kit.db.conn(purpose).await?;
            match tokio::time::timeout(PART_WITHIN, look(&mut conn)).await {
                Ok(found) => found,
                Err(_elapsed) => {
                    // A statement may still run on it.
                    conn.discard();
                    Ok(Found::none("it took longer than 3 s"))
                }
            }
        };
        match looked.await {
            Ok(found) => found,
            Err(error) => {
                let incident = self.incident.id;
                tracing::warn!(error = causes::chain(&error), incident.id = %incident, "part of the context of incident {incident} is missing: {purpose}");
                Found::none("it could not be looked for now; ask again in a moment")
            }
        }
    }

    /// The same for what searches lines, which few do at a time.
    async fn search<T>(
        &self,
        purpose: &'static str,
        look: impl AsyncFnOnce(&mut Connection) -> Result<Found<T>, DbError>,
    ) -> Found<T> {
        if self.place.scopes.is_empty() {
            return Found::none("the incident is at no service in particular");
        }
        match tokio::time::timeout(PART_WITHIN, self.state.looking_back.acquire()).await {
            Ok(Ok(_turn)) => self.part(purpose, look).await,
            Ok(Err(_)) | Err(_) => Found::none("others look as well; ask again in a moment"),
        }
    }

    pub(crate) async fn deployments(&self) -> Found<Deployed> {
        if self.place.scopes.is_empty() {
            return Found::none("the incident is at no service in particular");
        }
        self.part("alerting.context_deployments", async |conn| {
            let tx = conn.tenant(self.org_id).await?;
            let scopes: Vec<_> = self
                .place
                .scopes
                .iter()
                .map(|scope| (scope.service_id, scope.environment_id))
                .collect();
            let last = deployments::last_before(&tx, &scopes, self.place.opened_at, DEPLOYMENTS).await?;
            let mut found = Vec::with_capacity(last.len());
            let mut repositories: BTreeMap<ServiceId, Option<(String, String)>> = BTreeMap::new();
            for (deployment, before) in last {
                let service_id = deployment.service_id;
                let repository = match repositories.entry(service_id) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(unknown) => unknown
                        .insert(deployments::repository(&tx, service_id).await?)
                        .clone(),
                };
                let commit = deployment.standing.description.commit_sha.as_deref();
                let compare_url =
                    repository.and_then(|repository| compare_url(&repository, before.as_deref()?, commit?));
                found.push(Deployed {
                    deployment,
                    compare_url,
                });
            }
            Ok(Found::all(found))
        })
        .await
    }

    /// Error templates that are new or risen around the opening.
    pub(crate) async fn patterns(&self) -> Found<ChangedPattern> {
        self.search("alerting.context_patterns", async |conn| {
            let tx = conn.tenant_snapshot(self.org_id).await?;
            let chosen = Chosen::new(self.place.scopes.clone(), &Expr::and([]), &ERRORS);
            let Windows { before, after } = Windows::around(self.place.opened_at);
            let plan = |window| PatternsPlan {
                lines: lines::plan(&chosen, window, 1, SEARCH),
                intervals: Intervals::one(),
                most_mined: MOST_MINED,
            };
            let windows = [
                self.state.reader.patterns(&tx, &plan(before)).await?,
                self.state.reader.patterns(&tx, &plan(after)).await?,
            ];
            let seconds = [before, after].map(|(from, to)| (to - from).as_seconds_f64());
            let is_wanted = |kind| matches!(kind, Kind::New | Kind::Risen);
            let changed = changes::patterns(&windows, seconds, &tx, PATTERNS, is_wanted).await?;
            let is_cut = windows.iter().any(|window| window.stats.partial.is_some());
            Ok(Found::cut(changed.patterns, is_cut))
        })
        .await
    }

    /// Values that its lines have more often than all lines of its services do.
    pub(crate) async fn values(&self) -> Found<Leaning> {
        self.search("alerting.context_values", async |conn| {
            let tx = conn.tenant_snapshot(self.org_id).await?;
            let all = Chosen::new(self.place.scopes.clone(), &Expr::and([]), &[]);
            let all = std::sync::Arc::new(all);
            let own = lines::about(self.place);
            let window = Windows::around(self.place.opened_at).after;
            let plans = [&all, &own].map(|chosen| lines::plan(chosen, window, 1, SEARCH));
            let sides = [
                Side {
                    plan: &plans[0],
                    chosen: &all,
                },
                Side {
                    plan: &plans[1],
                    chosen: &own,
                },
            ];
            let mut values = changes::values(&self.state.reader, &tx, sides, None, 4 * VALUES).await?;
            // That they are errors is what they were chosen by.
            values.retain(|value| value.share_after > value.share_before && value.field != "level");
            values.truncate(VALUES);
            Ok(Found::all(values))
        })
        .await
    }

    /// Three of its lines.
    pub(crate) async fn lines(&self) -> Found<Line> {
        self.search("alerting.context_lines", async |conn| {
            let tx = conn.tenant_snapshot(self.org_id).await?;
            let (lines, is_cut) = lines::newest(&tx, self.state, self.place, SEARCH).await?;
            Ok(Found::cut(lines, is_cut))
        })
        .await
    }

    pub(crate) async fn similar(&self) -> Found<Similar> {
        self.part("alerting.context_similar", async |conn| {
            let tx = conn.tenant(self.org_id).await?;
            let incidents = incidents::list_similar(&tx, self.incident, SIMILAR).await?;
            let ids: Vec<IncidentId> = incidents.iter().map(|incident| incident.id).collect();
            let ends = events::ends(&tx, &ids).await?;
            let found = incidents.into_iter().map(|incident| {
                let end = ends
                    .iter()
                    .find(|(id, _, _)| *id == incident.id && incident.resolved_at.is_some());
                Similar {
                    end: end.map(|(_, event, message)| (*event, message.clone())),
                    incident,
                }
            });
            Ok(Found::all(found.collect()))
        })
        .await
    }
}

/// Where GitHub shows what changed between two commits; nothing between the same.
fn compare_url((owner, name): &(String, String), from: &str, to: &str) -> Option<String> {
    let is_commit = |text: &str| text.len() >= 7 && text.chars().all(|c| c.is_ascii_hexdigit());
    (from != to && is_commit(from) && is_commit(to))
        .then(|| format!("https://github.com/{owner}/{name}/compare/{from}...{to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("0123456789abcdef", "fedcba9876543210", true)]
    #[case("0123456789abcdef", "0123456789abcdef", false)]
    #[case("main/../..", "0123456789abcdef", false)]
    #[case("012345", "0123456789abcdef", false)]
    fn only_two_commits_are_compared(#[case] from: &str, #[case] to: &str, #[case] linked: bool) {
        let url = compare_url(&("acme".to_owned(), "shop".to_owned()), from, to);
        assert_eq!(url.is_some(), linked, "{url:?}");
    }
}
