//! Reading the facts of rules over new patterns: errors by template and place.

use std::collections::HashMap;

use db::alert_rules::AlertRule;
use db::scopes::NamedScope;
use db::{DbError, TenantTx, deployments};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::history::{DeploymentReport, ErrorPattern, History};
use domain::alerting::rule::{NewPattern, RuleType, Since};
use domain::ids::{AlertRuleId, EnvironmentId, ServiceId};
use domain::patterns::finding;
use logstore::patterns::errors::{Asked, ErrorReader};
use serde_json::{Value, json};

use super::facts::Span;
use super::places::Place;

/// What a pattern is called by within a group, beside its template.
const PATTERN: &str = "pattern";
const TEMPLATE: &str = "template";

/// Reads the templates of errors everywhere in `targets` that may be new at a moment of the span, within a snapshot; and whether
/// there are lines that were not looked at.
pub(crate) async fn read(
    tx: &TenantTx<'_>,
    reader: &ErrorReader,
    (rule_id, rule): (AlertRuleId, &NewPattern),
    targets: &[NamedScope],
    span: Span,
    most_deployments: i64,
) -> Result<(Vec<Place>, bool), DbError> {
    let scopes: Vec<(ServiceId, EnvironmentId)> = targets
        .iter()
        .map(|target| (target.service_id, target.environment_id))
        .collect();
    let asked = Asked {
        scopes: &scopes,
        from: rule.start(span.after),
        until: span.until,
        // What was known before its first window is never new again.
        with_known: rule.since() != Since::Ever,
    };
    let errors = reader.read(tx, asked).await?;
    let reports = deployed(tx, rule, &scopes, most_deployments).await?;
    let places = errors.found.into_iter().filter_map(|found| {
        let target = targets.get(found.place)?;
        let group = group_of(&found.pattern);
        Some(Place {
            fingerprint: Fingerprint::of_pattern(
                rule_id,
                target.service_id,
                target.environment_id,
                found.pattern.id,
            ),
            target: target.clone(),
            group: Some(group),
            history: History {
                lines: found.lines,
                last_before: found.last_before,
                deployments: reports.get(&found.place).cloned().unwrap_or_default(),
                pattern: Some(found.pattern),
                ..History::default()
            },
        })
    });
    Ok((places.collect(), errors.is_partial))
}

/// What was deployed in each scope, where that matters.
async fn deployed(
    tx: &TenantTx<'_>,
    rule: &NewPattern,
    scopes: &[(ServiceId, EnvironmentId)],
    most: i64,
) -> Result<HashMap<usize, Vec<DeploymentReport>>, DbError> {
    match rule.since() {
        Since::Ever | Since::Days(_) => Ok(HashMap::new()),
        Since::LastDeployment | Since::PreviousDeployment => {
            let reports = deployments::reports(tx, scopes, most).await?;
            Ok(reports.into_iter().enumerate().collect())
        }
    }
}

fn group_of(pattern: &ErrorPattern) -> Value {
    json!({PATTERN: pattern.id.to_string(), TEMPLATE: short(&pattern.text)})
}

/// The template that a rule's group stands for, if it is a rule over patterns.
pub(crate) fn template_of<'a>(rule: &AlertRule, group: Option<&'a Value>) -> Option<&'a str> {
    let group = group.filter(|_| rule.kind == RuleType::NewPattern.as_str())?;
    group.get(TEMPLATE)?.as_str()
}

/// What leads from an incident to the lines of its pattern: its id, and a query that finds them in the service.
pub(crate) fn trail(rule: &AlertRule, group: Option<&Value>, service: &str) -> Option<Value> {
    let template = template_of(rule, group)?;
    let query = finding(template, Some(service));
    Some(json!({"id": group?.get(PATTERN), "template": template, "query": query}))
}

/// Titles are for people, and the id tells templates apart.
fn short(template: &str) -> String {
    const MOST_CHARS: usize = 120;
    let line = template.lines().next().unwrap_or_default();
    if line.chars().count() <= MOST_CHARS {
        return line.to_owned();
    }
    line.chars().take(MOST_CHARS).chain(['…']).collect()
}
