//! Why a rule fires at a place or does not, now and at a moment of the past.

use db::explanations::{Decided, RuleThen, RuleThere};
use domain::ids::{AlertRuleId, IncidentId};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::RowRef;

/// A rule that looks at the place, and why it fires there or not. One that groups, or looks for patterns, is there once for
/// each group that it found.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RuleExplanation {
    rule_id: AlertRuleId,
    name: String,
    /// The version that was in force.
    version: i32,
    /// inactive, pending or firing; null where it never found anything.
    state: Option<String>,
    because: String,
    row: RowRef,
    /// The values of the fields that the rule groups by, or the pattern and its template; null where it groups by neither.
    #[schema(value_type = Option<Object>)]
    group: Option<Value>,
    /// What `state` was decided by.
    last_value: Option<f64>,
    #[serde(with = "time::serde::rfc3339::option")]
    pending_since: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_fired_at: Option<OffsetDateTime>,
    /// The moment that `state` and `because` are of: when the rule was last evaluated, or the one that was asked for, if the
    /// rule has come so far.
    #[serde(with = "time::serde::rfc3339::option")]
    as_of: Option<OffsetDateTime>,
    incident_id: Option<IncidentId>,
}

impl From<RuleThere> for RuleExplanation {
    fn from(there: RuleThere) -> Self {
        let because = now_in_words(&there);
        let row = match &there.firing {
            Some(firing) => RowRef::new(
                "alert_firings",
                format_args!("{}/{}", there.rule_id, firing.fingerprint),
            ),
            None => RowRef::new("alert_rules", there.rule_id),
        };
        let firing = there.firing;
        Self {
            rule_id: there.rule_id,
            name: there.name,
            version: there.version,
            because,
            row,
            last_value: firing.as_ref().and_then(|firing| firing.last_value),
            pending_since: firing.as_ref().and_then(|firing| firing.pending_since),
            last_fired_at: firing.as_ref().and_then(|firing| firing.fired_at),
            as_of: there.last_evaluated_at,
            incident_id: firing.as_ref().and_then(|firing| firing.incident_id),
            group: firing.as_ref().and_then(|firing| firing.group.clone()),
            state: firing.map(|firing| firing.state),
        }
    }
}

impl RuleExplanation {
    /// How it stood at a moment of the past.
    pub(crate) fn then(rule: RuleThen, at: OffsetDateTime) -> Self {
        let because = then_in_words(&rule, at);
        let row = match &rule.decided {
            Some(decided) => RowRef::new("alert_transitions", decided.transition_id),
            None => RowRef::new(
                "alert_rule_versions",
                format_args!("{}/{}", rule.rule_id, rule.version),
            ),
        };
        let decided = rule.decided;
        let is_pending = |decided: &&Decided| decided.state == "pending";
        Self {
            rule_id: rule.rule_id,
            name: rule.name,
            version: rule.version,
            because,
            row,
            last_value: decided.as_ref().and_then(|decided| decided.value),
            pending_since: decided.as_ref().filter(is_pending).map(|decided| decided.at),
            last_fired_at: decided.as_ref().and_then(|decided| decided.fired_at),
            as_of: rule.evaluated_to.map(|to| to.min(at)),
            incident_id: decided.as_ref().and_then(|decided| decided.incident_id),
            group: decided.as_ref().and_then(|decided| decided.group.clone()),
            state: decided.map(|decided| decided.state),
        }
    }
}

fn now_in_words(there: &RuleThere) -> String {
    if !there.enabled {
        return "the rule is disabled".to_owned();
    }
    if let Some(error) = &there.last_error {
        return format!("the rule could not be evaluated: {error}");
    }
    let Some(firing) = &there.firing else {
        return match there.last_evaluated_at {
            Some(_) => "its condition is not met, and has not been".to_owned(),
            None => "the rule has not been evaluated yet".to_owned(),
        };
    };
    match firing.reason.as_str() {
        "met" if firing.in_storm => {
            "its condition is met: it fires, and is part of a storm, whose incident says who was told"
                .to_owned()
        }
        "met" => "its condition is met: it fires, and its incident says who was told".to_owned(),
        "clearing" => "it fires; its condition is no longer met, but not yet for long enough".to_owned(),
        "settled" => {
            "its condition is met; a person resolved the incident, so nobody is told again until the \
                      condition was false once"
                .to_owned()
        }
        "waiting" => format!(
            "its condition is met, but not yet for the {} s that the rule asks for",
            there.for_seconds
        ),
        "cooling_down" => format!(
            "its condition is met, but the cooldown of {} s since it last fired is not over",
            there.cooldown_seconds
        ),
        "not_met" => "its condition is not met".to_owned(),
        // Of a newer version.
        other => format!("it is {}: {}", firing.state, other.replace('_', " ")),
    }
}

fn then_in_words(rule: &RuleThen, at: OffsetDateTime) -> String {
    if !rule.enabled {
        return "the rule was disabled".to_owned();
    }
    let is_judged = rule.evaluated_to.is_some_and(|to| to >= at);
    let Some(decided) = &rule.decided else {
        return if is_judged {
            "its condition was not met, and had not been".to_owned()
        } else {
            "the rule has not been evaluated so far yet".to_owned()
        };
    };
    let (since, detail) = (stamp(decided.at), &decided.detail);
    let words = match (decided.state.as_str(), decided.transition.as_str()) {
        ("firing", _) => {
            let since = decided.fired_at.map_or(since, stamp);
            let storm = if decided.in_storm { ", a storm," } else { "" };
            format!("it had fired since {since}; its incident{storm} says who was told: {detail}")
        }
        ("pending", "held") => {
            format!(
                "its condition was met since {since}, but the cooldown of the rule was not over: {detail}"
            )
        }
        ("pending", _) => {
            format!("its condition was met since {since}, but not yet for as long as the rule asks: {detail}")
        }
        ("inactive", "dropped") => {
            format!("its condition was not met: at {since} it had ended before the rule fired: {detail}")
        }
        ("inactive", _) => format!("its condition was not met: it had fired, and ended at {since}: {detail}"),
        // Of a newer version.
        (state, transition) => format!("it was {state} since {since} ({transition}): {detail}"),
    };
    let words = words.trim_end_matches([':', ' ']).to_owned();
    if is_judged {
        words
    } else {
        format!("{words}; the rule has not been evaluated further yet")
    }
}

fn stamp(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
