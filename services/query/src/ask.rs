//! What lines are asked for: the parameters that every route of logs takes, read into a query, a range and scopes.

use db::scopes::NamedScope;
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::{Level, UnknownLevel};
use domain::page::PageLimit;
use domain::query::ast::{TextField, TextTest};
use domain::query::{Expr, Query, Test};
use logstore::reader::{Budget, Order, Plan};
pub(crate) use logstore::reader::{Chosen, search_scope};
use serde::Deserialize;
use service_kit::ApiError;
use service_kit::body::SharedParams;
use time::OffsetDateTime;
use utoipa::IntoParams;

use crate::time_range::TimeRange;

/// Which lines.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogFilter {
    /// A query: words and phrases of the message (`payment failed`, `"card declined"`, `pay*`), fields
    /// (`level:>=warn`, `service:checkout`, `http.status:>=500`, `has:trace_id`), `OR`, `NOT`, parentheses, `/regex/`.
    /// Case does not matter. Absent: every line.
    #[param(example = "payment failed level:>=warn")]
    q: Option<String>,
    /// Oldest time, inclusive: RFC 3339, or relative to now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`, or
    /// `now-1h` as in queries). Default `-24h`.
    #[param(example = "-1h")]
    from: Option<String>,
    /// Newest time, exclusive; `now` as well. Default: ten minutes ahead, since senders' clocks may be.
    #[param(example = "2026-01-31T12:00:00Z")]
    to: Option<String>,
    /// Lines of this trace; the same as `trace_id:…` in the query.
    #[param(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: Option<String>,
    /// Lines of this request; the same as `request_id:…` in the query.
    request_id: Option<String>,
    service_id: Option<ServiceId>,
    /// A service by its name.
    #[param(example = "checkout")]
    service: Option<String>,
    environment_id: Option<EnvironmentId>,
    /// An environment by its name; of every service that has one, unless a service is named as well.
    #[param(example = "production")]
    environment: Option<String>,
    /// Levels, comma-separated: trace, debug, info, warn, error, fatal. Absent: all.
    #[param(example = "error,fatal")]
    level: Option<String>,
}

impl SharedParams for LogFilter {
    const NAMES: &'static [&'static str] = &[
        "q",
        "from",
        "to",
        "trace_id",
        "request_id",
        "service_id",
        "service",
        "environment_id",
        "environment",
        "level",
    ];
}

/// What was asked for, understood.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// As it was written; relative times in it are from [`Ask::now`] on.
    pub(crate) query: Query,
    pub(crate) now: OffsetDateTime,
    pub(crate) range: TimeRange,
    /// Empty: all.
    pub(crate) levels: Vec<Level>,
    pub(crate) scopes: ScopeFilter,
}

impl LogFilter {
    /// Understands a query that only filters.
    pub(crate) fn read(self, now: OffsetDateTime) -> Result<Ask, ApiError> {
        let ask = self.read_with_pipe(now)?;
        if ask.query.pipe.is_empty() {
            Ok(ask)
        } else {
            let message = "has a pipe, and lines are asked for; ask /api/logs/stats, or leave out the | and what follows";
            Err(ApiError::invalid("q", message))
        }
    }

    /// Understands a query.
    pub(crate) fn read_with_pipe(self, now: OffsetDateTime) -> Result<Ask, ApiError> {
        let range = TimeRange::parse(self.from.as_deref(), self.to.as_deref(), now)?;
        let Query { filter, pipe } = Query::parse(self.q.as_deref().unwrap_or(""))
            .map_err(|error| ApiError::invalid("q", format!("is no query: {error}")))?;
        let id = |field, id: Option<String>| {
            let id = id.filter(|id| !id.is_empty())?;
            Some(Expr::Test(Test::Text(field, TextTest::Equals(id))))
        };
        let ids = [
            id(TextField::TraceId, self.trace_id),
            id(TextField::RequestId, self.request_id),
        ];
        Ok(Ask {
            query: Query {
                filter: Expr::and([filter].into_iter().chain(ids.into_iter().flatten())),
                pipe,
            },
            now,
            range,
            levels: levels(self.level.as_deref())?,
            scopes: ScopeFilter {
                service_id: self.service_id,
                service: self.service,
                environment_id: self.environment_id,
                environment: self.environment,
            },
        })
    }
}

impl Ask {
    /// Chooses among the organisation's scopes. What names nothing of this organisation is a 404.
    pub(crate) fn choose(&self, all: Vec<NamedScope>) -> Result<Chosen, ApiError> {
        let chosen = self.scopes.select(all)?;
        Ok(Chosen::new(chosen, &self.query.filter.at(self.now), &self.levels))
    }

    /// The newest lines of these scopes, a page of a hundred; callers change what they want otherwise.
    pub(crate) fn plan(&self, chosen: &Chosen, budget: Budget) -> Plan {
        Plan {
            scopes: chosen.scopes.clone(),
            from: self.range.from,
            to: self.range.to,
            order: Order::NewestFirst,
            limit: PageLimit::DEFAULT.rows(),
            cursor: None,
            budget,
        }
    }
}

/// Reads a comma-separated list of levels; absent or blank means all.
pub(crate) fn levels(text: Option<&str>) -> Result<Vec<Level>, ApiError> {
    let text = text.unwrap_or("").trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut levels: Vec<Level> = text
        .split(',')
        .map(str::parse)
        .collect::<Result<_, UnknownLevel>>()
        .map_err(|error| {
            ApiError::invalid(
                "level",
                format!("is not understood: {error}, or several with commas"),
            )
        })?;
    levels.sort_unstable();
    levels.dedup();
    Ok(levels)
}

/// Which services and environments are meant, by id or by name; everything where nothing is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopeFilter {
    pub(crate) service_id: Option<ServiceId>,
    pub(crate) service: Option<String>,
    pub(crate) environment_id: Option<EnvironmentId>,
    pub(crate) environment: Option<String>,
}

impl ScopeFilter {
    /// The scopes that are meant. What names nothing of this organisation is a 404, be it another's or nobody's.
    pub(crate) fn select(&self, mut scopes: Vec<NamedScope>) -> Result<Vec<NamedScope>, ApiError> {
        let (service, environment) = (named(self.service.as_deref()), named(self.environment.as_deref()));
        scopes.retain(|scope| {
            self.service_id.is_none_or(|id| id == scope.service_id)
                && service.is_none_or(|name| name == scope.service)
        });
        if scopes.is_empty() && (self.service_id.is_some() || service.is_some()) {
            return Err(ApiError::NotFound { what: "service" });
        }
        scopes.retain(|scope| {
            self.environment_id.is_none_or(|id| id == scope.environment_id)
                && environment.is_none_or(|name| name == scope.environment)
        });
        if scopes.is_empty() && (self.environment_id.is_some() || environment.is_some()) {
            return Err(ApiError::NotFound { what: "environment" });
        }
        Ok(scopes)
    }
}

/// A name that was given; forms send blank ones.
fn named(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn scope(service: &str, environment: &str) -> NamedScope {
        NamedScope {
            service_id: ServiceId::generate(),
            service: service.to_owned(),
            environment_id: EnvironmentId::generate(),
            environment: environment.to_owned(),
            oldest: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn selected(filter: &ScopeFilter, scopes: &[NamedScope]) -> Result<Vec<String>, &'static str> {
        match filter.select(scopes.to_vec()) {
            Ok(scopes) => Ok(scopes
                .iter()
                .map(|scope| format!("{}/{}", scope.service, scope.environment))
                .collect()),
            Err(ApiError::NotFound { what }) => Err(what),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn scopes_are_chosen_by_id_or_name_and_what_is_unknown_is_not_found() {
        let scopes = [
            scope("web", "production"),
            scope("web", "staging"),
            scope("db", "production"),
        ];
        let by_name = |service: &str, environment: &str| ScopeFilter {
            service: Some(service.to_owned()),
            environment: Some(environment.to_owned()),
            ..ScopeFilter::default()
        };
        assert_eq!(selected(&by_name("", ""), &scopes).unwrap().len(), 3);
        assert_eq!(
            selected(&by_name("web", ""), &scopes).unwrap(),
            ["web/production", "web/staging"]
        );
        assert_eq!(
            selected(&by_name("", "production"), &scopes).unwrap(),
            ["web/production", "db/production"]
        );
        assert_eq!(selected(&by_name("WEB", ""), &scopes), Err("service"));
        assert_eq!(selected(&by_name("db", "staging"), &scopes), Err("environment"));

        let by_id = |service_id, environment_id| ScopeFilter {
            service_id,
            environment_id,
            ..ScopeFilter::default()
        };
        let one = &scopes[1];
        assert_eq!(
            selected(&by_id(Some(one.service_id), Some(one.environment_id)), &scopes).unwrap(),
            ["web/staging"]
        );
        assert_eq!(
            selected(&by_id(Some(ServiceId::generate()), None), &scopes),
            Err("service")
        );
        assert_eq!(
            selected(&by_id(None, Some(EnvironmentId::generate())), &scopes),
            Err("environment")
        );
    }

    #[test]
    fn an_organisation_without_services_has_no_lines_and_no_error_unless_one_is_named() {
        assert_eq!(
            selected(&ScopeFilter::default(), &[]).unwrap(),
            Vec::<String>::new()
        );
        let named = ScopeFilter {
            service: Some("web".to_owned()),
            ..ScopeFilter::default()
        };
        assert_eq!(selected(&named, &[]), Err("service"));
    }

    #[test]
    fn levels_are_read_from_a_list() {
        assert_eq!(levels(None).unwrap(), []);
        assert_eq!(
            levels(Some("fatal, ERROR,err")).unwrap(),
            [Level::Error, Level::Fatal]
        );
        assert!(levels(Some("error,")).is_err());
        assert!(levels(Some("loud")).is_err());
    }
}
