//! What "why was I (not) told?" is answered from, beside the ledger: the rules that look at a place, with what they last
//! found there.

use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, ServiceId};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{DbError, TenantTx};

/// A rule that looks at a place, and its state there.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleThere {
    pub rule_id: AlertRuleId,
    pub name: String,
    pub version: i32,
    pub enabled: bool,
    pub for_seconds: i32,
    pub cooldown_seconds: i32,
    pub last_evaluated_at: Option<OffsetDateTime>,
    pub last_error: Option<String>,
    /// `None` where the rule never found anything.
    pub firing: Option<FiringThere>,
}

/// As stored; a newer version may know further states and reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct FiringThere {
    pub fingerprint: String,
    pub state: String,
    pub reason: String,
    pub pending_since: Option<OffsetDateTime>,
    pub fired_at: Option<OffsetDateTime>,
    pub last_evaluated_at: OffsetDateTime,
    pub last_value: Option<f64>,
    /// The values of the fields that the rule groups by, by name.
    pub group: Option<Value>,
    pub incident_id: Option<IncidentId>,
    /// Whether that incident is a storm.
    pub in_storm: bool,
}

/// A rule that looked at a place at a moment of the past, as it was then, and what it had decided there.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleThen {
    pub rule_id: AlertRuleId,
    pub name: String,
    pub version: i32,
    pub enabled: bool,
    /// The last moment that it has judged by now.
    pub evaluated_to: Option<OffsetDateTime>,
    /// `None` where it had decided nothing by then.
    pub decided: Option<Decided>,
}

/// The last transition of a firing before a moment. As stored; a newer version may know further states and transitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub transition_id: i64,
    pub at: OffsetDateTime,
    pub transition: String,
    /// The state that it led to.
    pub state: String,
    pub reason: String,
    pub value: Option<f64>,
    pub detail: String,
    pub group: Option<Value>,
    /// When it had fired last.
    pub fired_at: Option<OffsetDateTime>,
    pub incident_id: Option<IncidentId>,
    /// Whether that incident is a storm.
    pub in_storm: bool,
}

/// The rules that look at one environment, by name.
pub async fn rules_there(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
    environment_id: EnvironmentId,
) -> Result<Vec<RuleThere>, DbError> {
    const SQL: &str = "
        -- explanations::rules_there
        SELECT r.id, r.name, r.version, r.enabled, r.for_seconds, r.cooldown_seconds, r.last_evaluated_at, r.last_error,
            f.fingerprint, f.state, f.reason, f.pending_since, f.fired_at, f.last_evaluated_at AS found_at, f.last_value,
            f.group_values, f.incident_id, coalesce(i.storm_of IS NOT NULL, false) AS in_storm
        FROM alert_rules r LEFT JOIN alert_firings f
            ON f.org_id = r.org_id AND f.rule_id = r.id AND f.service_id = $2 AND f.environment_id = $3
        LEFT JOIN incidents i ON i.org_id = $1 AND i.id = f.incident_id
        WHERE r.org_id = $1 AND r.deleted_at IS NULL
          AND (r.service_id IS NULL OR r.service_id = $2) AND (r.environment_id IS NULL OR r.environment_id = $3)
        ORDER BY r.name, f.fingerprint LIMIT 1000";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &service_id, &environment_id])
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let fingerprint: Option<String> = row.get("fingerprint");
            RuleThere {
                rule_id: row.get("id"),
                name: row.get("name"),
                version: row.get("version"),
                enabled: row.get("enabled"),
                for_seconds: row.get("for_seconds"),
                cooldown_seconds: row.get("cooldown_seconds"),
                last_evaluated_at: row.get("last_evaluated_at"),
                last_error: row.get("last_error"),
                firing: fingerprint.map(|fingerprint| FiringThere {
                    fingerprint,
                    state: row.get("state"),
                    reason: row.get("reason"),
                    pending_since: row.get("pending_since"),
                    fired_at: row.get("fired_at"),
                    last_evaluated_at: row.get("found_at"),
                    last_value: row.get("last_value"),
                    group: row.get("group_values"),
                    incident_id: row.get("incident_id"),
                    in_storm: row.get("in_storm"),
                }),
            }
        })
        .collect())
}

/// The rules that looked at one environment at a moment of the past, in the version that was in force then, by name.
pub async fn rules_then(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
    environment_id: EnvironmentId,
    at: OffsetDateTime,
) -> Result<Vec<RuleThen>, DbError> {
    // A moment is decided before it comes where more lines can only confirm it: it counts from when that was written down.
    const SQL: &str = "
        -- explanations::rules_then
        SELECT r.id, coalesce(v.definition->>'name', r.name) AS name, v.version,
            coalesce((v.definition->>'enabled')::boolean, r.enabled) AS enabled, r.evaluated_to, t.id AS transition_id, t.at, t.transition, t.state, t.reason, t.value, t.detail, t.fired_at,
            t.incident_id, f.group_values, coalesce(i.storm_of IS NOT NULL, false) AS in_storm
        FROM alert_rules r
        CROSS JOIN LATERAL (
            SELECT version, definition FROM alert_rule_versions
            WHERE org_id = $1 AND rule_id = r.id AND created_at <= $4 ORDER BY version DESC LIMIT 1
        ) v
        LEFT JOIN LATERAL (
            SELECT DISTINCT ON (fingerprint) id, fingerprint, at, transition, state, reason, value, detail, incident_id,
                max(at) FILTER (WHERE transition = 'fired') OVER (PARTITION BY fingerprint) AS fired_at
            FROM alert_transitions
            WHERE org_id = $1 AND rule_id = r.id AND service_id = $2 AND environment_id = $3
              AND least(at, recorded_at) <= $4
            ORDER BY fingerprint, id DESC
        ) t ON true
        LEFT JOIN alert_firings f ON f.org_id = $1 AND f.rule_id = r.id AND f.fingerprint = t.fingerprint
        LEFT JOIN incidents i ON i.org_id = $1 AND i.id = t.incident_id
        WHERE r.org_id = $1 AND r.deleted_at IS NULL
          AND coalesce((v.definition->>'service_id')::uuid, $2) = $2
          AND coalesce((v.definition->>'environment_id')::uuid, $3) = $3
        ORDER BY name, r.id, t.fingerprint LIMIT 1000";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &service_id, &environment_id, &at])
        .await?;
    Ok(rows
        .iter()
        .map(|row| RuleThen {
            rule_id: row.get("id"),
            name: row.get("name"),
            version: row.get("version"),
            enabled: row.get("enabled"),
            evaluated_to: row.get("evaluated_to"),
            decided: row
                .get::<_, Option<i64>>("transition_id")
                .map(|transition_id| Decided {
                    transition_id,
                    at: row.get("at"),
                    transition: row.get("transition"),
                    state: row.get("state"),
                    reason: row.get("reason"),
                    value: row.get("value"),
                    detail: row.get("detail"),
                    group: row.get("group_values"),
                    fired_at: row.get("fired_at"),
                    incident_id: row.get("incident_id"),
                    in_storm: row.get("in_storm"),
                }),
        })
        .collect())
}

/// The newest incidents of a place that were not over at a moment, and those of no place in particular.
pub async fn incidents_at(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
    environment_id: EnvironmentId,
    at: OffsetDateTime,
    most: i64,
) -> Result<Vec<IncidentId>, DbError> {
    const SQL: &str = "
        -- explanations::incidents_at
        SELECT id FROM incidents
        WHERE org_id = $1 AND (
            (storm_of IS NULL AND (service_id IS NULL OR service_id = $2)
                AND (environment_id IS NULL OR environment_id = $3))
            OR EXISTS (SELECT FROM incident_members m WHERE m.org_id = $1 AND m.incident_id = incidents.id
                AND m.service_id = $2 AND m.environment_id = $3))
          AND opened_at <= $4 AND (resolved_at IS NULL OR resolved_at > $4)
        ORDER BY opened_at DESC, id DESC LIMIT $5";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(
            &statement,
            &[&tx.org_id(), &service_id, &environment_id, &at, &most],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}
