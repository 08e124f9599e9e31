//! The scopes of a search by name.

use std::collections::HashMap;
use std::sync::Arc;

use db::scopes::NamedScope;
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use domain::query::Expr;

use super::{Condition, SearchScope};

/// The scopes of a search, and what of each.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub scopes: Vec<(SearchScope, Arc<Condition>)>,
    names: HashMap<EnvironmentId, NamedScope>,
}

impl Chosen {
    /// Lines of these scopes that match a query, in which no time is relative any more, and have one of these levels; of any,
    /// where there are none.
    pub fn new(chosen: Vec<NamedScope>, query: &Expr, levels: &[Level]) -> Self {
        let scopes = chosen
            .iter()
            .filter_map(|scope| {
                let condition = Condition::for_scope(query, &scope.service, &scope.environment)?;
                Some((search_scope(scope), Arc::new(condition.with_levels(levels))))
            })
            .collect();
        Self {
            scopes,
            names: chosen
                .into_iter()
                .map(|scope| (scope.environment_id, scope))
                .collect(),
        }
    }

    /// The levels that match, if lines match by nothing else than their level: then counters answer as well as lines do.
    pub fn only_levels(&self) -> Option<Vec<Level>> {
        let mut levels = self.scopes.iter().map(|(_, condition)| condition.only_levels());
        let first = levels.next().unwrap_or(Some(Vec::new()))?;
        levels
            .all(|other| other.as_ref() == Some(&first))
            .then_some(first)
    }

    /// Where lines may match, without what of them.
    pub fn places(&self) -> Vec<SearchScope> {
        self.scopes.iter().map(|(scope, _)| *scope).collect()
    }

    /// The name of a service, if it is one of these.
    pub fn service_name(&self, service_id: ServiceId) -> Option<&str> {
        let mut scopes = self.names.values();
        scopes
            .find(|scope| scope.service_id == service_id)
            .map(|scope| scope.service.as_str())
    }

    /// The names of an environment's service and of itself; empty if it is none of these.
    pub fn names(&self, environment_id: EnvironmentId) -> (&str, &str) {
        self.names.get(&environment_id).map_or(("", ""), |scope| {
            (scope.service.as_str(), scope.environment.as_str())
        })
    }
}

/// Where to search, without names.
pub fn search_scope(scope: &NamedScope) -> SearchScope {
    SearchScope {
        service_id: scope.service_id,
        environment_id: scope.environment_id,
        oldest: scope.oldest,
    }
}
