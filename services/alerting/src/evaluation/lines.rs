//! Reading the facts of rules over a query: lines that match, counted by place, group and time.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use db::scopes::NamedScope;
use db::{DbError, TenantTx};
use domain::alerting::history::{Counts, History, Series};
use domain::alerting::rule::LogQuery;
use domain::ids::EnvironmentId;
use domain::query::aggregate::{Aggregator, Approximation, Cell, Limits, Table};
use domain::query::number::Number;
use logstore::reader::{Budget, Condition, Line, Order, Plan, Reader, SearchScope, projection, with_line};
use time::OffsetDateTime;

/// The values of the fields that a rule groups by.
pub(crate) type Group = Vec<Option<String>>;

/// Lines of one group in one scope.
pub(crate) struct Counted {
    /// The scope's place among those that were asked for.
    pub(crate) target: usize,
    pub(crate) group: Group,
    pub(crate) history: History,
}

/// What of a search may be counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) time: Duration,
    pub(crate) groups: usize,
}

/// Counts the lines that match, by their own time within `from` and `to`. Of a rule that groups by nothing each scope is in
/// the answer.
pub(crate) async fn count(
    tx: &TenantTx<'_>,
    reader: &Reader,
    query: &LogQuery,
    targets: &[NamedScope],
    (from, to): (OffsetDateTime, OffsetDateTime),
    most: Most,
) -> Result<Vec<Counted>, DbError> {
    let Some(aggregator) = aggregator(query, most) else {
        return Ok(Vec::new());
    };
    let plan = Plan {
        scopes: scopes(query, targets),
        from,
        to,
        order: Order::NewestFirst,
        limit: 1,
        cursor: None,
        budget: Budget {
            time: most.time,
            bytes: usize::MAX,
        },
    };
    let names: HashMap<EnvironmentId, (String, String)> = targets
        .iter()
        .map(|target| {
            let names = (target.service.clone(), target.environment.clone());
            (target.environment_id, names)
        })
        .collect();
    let add = move |aggregator: &mut Aggregator, line: Line| {
        if let Some((service, environment)) = names.get(&line.environment_id) {
            with_line(&line, (service, environment), |line| aggregator.add(line));
        }
        ControlFlow::Continue(())
    };
    let wanted = projection(&query.counted().pipe);
    let (aggregator, stats) = reader.fold(tx, &plan, wanted, aggregator, add).await?;
    let table = aggregator.finish();
    let is_partial = stats.partial.is_some()
        || table
            .approximate
            .iter()
            .any(|approximation| !matches!(approximation, Approximation::Lists));
    Ok(counted(&table, query, targets, is_partial))
}

fn aggregator(query: &LogQuery, most: Most) -> Option<Aggregator> {
    let stage = query.counted().pipe.first()?;
    let limits = Limits {
        groups: most.groups,
        buckets: 100_000,
        bytes: 32 * 1024 * 1024,
        ..Limits::default()
    };
    Aggregator::new(stage, limits)
}

fn scopes(query: &LogQuery, targets: &[NamedScope]) -> Vec<(SearchScope, Arc<Condition>)> {
    targets
        .iter()
        .filter_map(|target| {
            let condition =
                Condition::for_scope(&query.query().filter, &target.service, &target.environment)?;
            let scope = SearchScope {
                service_id: target.service_id,
                environment_id: target.environment_id,
                oldest: target.oldest,
            };
            Some((scope, Arc::new(condition)))
        })
        .collect()
}

/// A row of the table is: the bin, service, environment, the group's values, the count.
fn counted(table: &Table, query: &LogQuery, targets: &[NamedScope], is_partial: bool) -> Vec<Counted> {
    let places: HashMap<(&str, &str), usize> = targets
        .iter()
        .enumerate()
        .map(|(place, target)| ((target.service.as_str(), target.environment.as_str()), place))
        .collect();
    let mut bins: HashMap<(usize, Group), Vec<(OffsetDateTime, Counts)>> = HashMap::new();
    for row in &table.rows {
        let [
            Cell::Time(start),
            Cell::Text(service),
            Cell::Text(environment),
            group @ ..,
            Cell::Number(count),
        ] = row.as_slice()
        else {
            continue;
        };
        let Some(place) = places.get(&(service.as_str(), environment.as_str())) else {
            continue;
        };
        let counts = Counts {
            lines: whole(count),
            errors: 0,
        };
        let group = group.iter().map(value_of).collect();
        bins.entry((*place, group)).or_default().push((*start, counts));
    }
    if query.group_by().is_empty() {
        for place in 0..targets.len() {
            bins.entry((place, Vec::new())).or_default();
        }
    }
    bins.into_iter()
        .map(|((target, group), bins)| Counted {
            target,
            group,
            history: History {
                lines: Series::new(bins),
                is_partial,
                ..History::default()
            },
        })
        .collect()
}

fn value_of(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        Cell::Number(number) => Some(number.to_string()),
        Cell::Null | Cell::Rest | Cell::Time(_) => None,
    }
}

fn whole(number: &Number) -> u64 {
    number.to_string().parse().unwrap_or_default()
}
