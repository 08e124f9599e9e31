//! The places that one rule looks at, each with its facts.

use db::scopes::NamedScope;
use db::{DbError, TenantTx};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::history::History;
use domain::alerting::rule::{Condition, Facts, LogQuery};
use domain::ids::AlertRuleId;
use logstore::reader::Reader;
use serde_json::{Map, Value};

use super::facts::{self, Asked, Shared, Span};
use super::lines::{self, Most};

/// One environment of one service, or a group of its lines.
pub(crate) struct Place {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) target: NamedScope,
    /// The values of the fields that the rule groups by, by name.
    pub(crate) group: Option<Value>,
    pub(crate) history: History,
}

impl Place {
    fn of_scope(rule_id: AlertRuleId, target: &NamedScope, history: History) -> Self {
        Self {
            fingerprint: Fingerprint::of_rule(rule_id, target.service_id, target.environment_id),
            target: target.clone(),
            group: None,
            history,
        }
    }
}

/// Reads the facts of a rule everywhere in `targets`, for the moments of the span; those of a query are [`search`]ed.
pub(crate) async fn read(
    tx: &TenantTx<'_>,
    (rule_id, condition): (AlertRuleId, &Condition),
    targets: &[NamedScope],
    span: Span,
    most_deployments: i64,
) -> Result<Vec<Place>, DbError> {
    if condition.facts() == Facts::Beats {
        let history = facts::beats(tx, rule_id, span).await?;
        let place = |target| Place::of_scope(rule_id, target, history.clone());
        return Ok(targets.iter().map(place).collect());
    }
    let asked = Asked {
        condition,
        targets: targets.iter().collect(),
        after: span.after,
    };
    let shared = Shared::read(tx, &[asked], span.until, most_deployments).await?;
    Ok(targets
        .iter()
        .map(|target| {
            let history = shared.history(condition, target).cloned();
            Place::of_scope(rule_id, target, history.unwrap_or_default())
        })
        .collect())
}

/// Searches for the lines of a rule over a query, within a snapshot.
pub(crate) async fn search(
    tx: &TenantTx<'_>,
    reader: &Reader,
    (rule_id, query): (AlertRuleId, &LogQuery),
    targets: &[NamedScope],
    span: Span,
    most: Most,
) -> Result<Vec<Place>, DbError> {
    let from = query.window().start(span.after);
    let counted = lines::count(tx, reader, query, targets, (from, span.until), most).await?;
    let places = counted.into_iter().filter_map(|counted| {
        let target = targets.get(counted.target)?;
        if query.group_by().is_empty() {
            return Some(Place::of_scope(rule_id, target, counted.history));
        }
        let (service, environment) = (target.service_id, target.environment_id);
        Some(Place {
            fingerprint: Fingerprint::of_group(rule_id, service, environment, &counted.group),
            target: target.clone(),
            group: Some(named(query.group_by(), counted.group)),
            history: counted.history,
        })
    });
    Ok(places.collect())
}

/// Values are shortened: they are for people, and the fingerprint tells them apart.
fn named(fields: &[String], values: Vec<Option<String>>) -> Value {
    const MOST_CHARS: usize = 200;
    let short = |value: String| value.chars().take(MOST_CHARS).collect::<String>();
    let named: Map<String, Value> = fields
        .iter()
        .cloned()
        .zip(values.into_iter().map(|value| Value::from(value.map(short))))
        .collect();
    Value::Object(named)
}
