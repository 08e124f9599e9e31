//! Where the lines of pipelines are: scopes and conditions that leave out no line that comes through one of them. What
//! comes through exactly, the pipelines decide.

use std::collections::HashMap;
use std::sync::Arc;

use db::scopes::NamedScope;
use domain::ids::EnvironmentId;
use domain::level::Level;
use domain::logql::{self, LogPipeline, Selector};
use domain::query::ast::MessageTest;
use domain::query::{Expr, Test};
use logstore::reader::{Budget, Condition, Line, Order, Plan, SearchScope};
use time::OffsetDateTime;

use crate::ask::search_scope;
use crate::numbers::with_line;

pub(crate) struct Places {
    scopes: Vec<(SearchScope, Arc<Condition>)>,
    names: HashMap<EnvironmentId, NamedScope>,
}

impl Places {
    pub(super) fn of(all: Vec<NamedScope>, pipelines: &[&LogPipeline]) -> Self {
        let scopes = all.iter().filter_map(|scope| {
            let condition = condition(scope, pipelines)?;
            Some((search_scope(scope), Arc::new(condition)))
        });
        Self {
            scopes: scopes.collect(),
            names: all
                .into_iter()
                .map(|scope| (scope.environment_id, scope))
                .collect(),
        }
    }

    /// The newest lines from `from` on and before `to`.
    pub(super) fn plan(
        &self,
        from: OffsetDateTime,
        to: OffsetDateTime,
        limit: usize,
        budget: Budget,
    ) -> Plan {
        Plan {
            scopes: self.scopes.clone(),
            from,
            to,
            order: Order::NewestFirst,
            limit,
            cursor: None,
            budget,
        }
    }

    /// The line as pipelines see it.
    pub(super) fn with_line<R>(&self, line: &Line, look: impl FnOnce(&logql::Line<'_>) -> R) -> R {
        let names = self.names.get(&line.environment_id).map_or(("", ""), |scope| {
            (scope.service.as_str(), scope.environment.as_str())
        });
        with_line(line, names, look)
    }
}

/// What lines of this scope must meet to come through one of the pipelines; None if none can.
fn condition(scope: &NamedScope, pipelines: &[&LogPipeline]) -> Option<Condition> {
    let here = |pipeline: &&&LogPipeline| {
        pipeline
            .selector
            .matches_scope(&scope.service, &scope.environment)
    };
    let here: Vec<&LogPipeline> = pipelines.iter().filter(here).copied().collect();
    let wanted = |level: &Level| {
        here.iter()
            .any(|pipeline| pipeline.selector.matches_level(*level))
    };
    let levels: Vec<Level> = Level::ALL.into_iter().filter(wanted).collect();
    if levels.is_empty() {
        return None;
    }
    let texts = Expr::or(here.iter().map(|pipeline| required(pipeline)));
    Some(Condition::for_scope(&texts, &scope.service, &scope.environment)?.with_levels(&levels))
}

/// What a message must hold. The test ignores case and pipelines do not, so it lets through more than they do.
fn required(pipeline: &LogPipeline) -> Expr {
    let texts = pipeline.required_substrings().into_iter();
    // Lower case of a capital sigma depends on what stands around it, in the line other than in the text alone.
    let texts = texts.filter(|text| !text.contains('Σ'));
    Expr::and(texts.map(|text| Expr::Test(Test::Message(MessageTest::Contains(text.to_owned())))))
}

/// Labels of selectors that no stream has, said in words: such a query finds nothing, and its author should know why.
pub(super) fn warnings<'s>(selectors: impl Iterator<Item = &'s Selector>) -> Vec<String> {
    let mut unknown: Vec<&str> = selectors.flat_map(Selector::unknown_labels).collect();
    unknown.sort_unstable();
    unknown.dedup();
    let warning = |label: &&str| {
        format!(
            "no stream has the label {label}; streams have service_name, environment and level, and other fields are \
             found behind the selector: {{…}} | {label}=\"…\""
        )
    };
    unknown.iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use domain::logql::Query;

    use super::*;

    fn pipeline(text: &str) -> LogPipeline {
        match logql::parse(text).unwrap() {
            Query::Log(pipeline) => pipeline,
            Query::Metric(_) => panic!("no log query"),
        }
    }

    #[test]
    fn a_capital_sigma_is_left_to_the_pipeline() {
        assert_eq!(required(&pipeline("{} |= `ΟΔΟΣ`")), Expr::All);
        assert_ne!(required(&pipeline("{} |= `ΟΔΟ`")), Expr::All);
    }

    #[test]
    fn of_several_pipelines_any_may_want_a_line() {
        let (a, b) = (pipeline("{service=\"a\"} |= `x`"), pipeline("{level=\"error\"}"));
        let scope = |service: &str| NamedScope {
            service_id: domain::ids::ServiceId::generate(),
            service: service.to_owned(),
            environment_id: EnvironmentId::generate(),
            environment: "production".to_owned(),
            oldest: OffsetDateTime::UNIX_EPOCH,
        };
        let only = |service: &str| condition(&scope(service), &[&a, &b]).unwrap().only_levels();
        assert_eq!(only("b"), Some(vec![Level::Error]));
        assert_eq!(only("a"), Some(Level::ALL.to_vec()), "b wants errors without x");
        assert!(condition(&scope("b"), &[&a]).is_none());
        assert!(condition(&scope("a"), &[&a]).unwrap().only_levels().is_none());
    }
}
