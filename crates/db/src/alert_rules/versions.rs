//! Each definition that a rule has had.

use domain::ids::AlertRuleId;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::AlertRule;
use crate::{DbError, TenantTx};

#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub version: i32,
    pub definition: Value,
    pub created_at: OffsetDateTime,
}

/// Keeps what a rule says now.
pub(super) async fn keep(tx: &TenantTx<'_>, rule: &AlertRule) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_rules::keep_version
        INSERT INTO alert_rule_versions (org_id, rule_id, version, definition) VALUES ($1, $2, $3, $4)";
    let definition = json!({
        "name": rule.name,
        "type": rule.kind,
        "params": rule.params,
        "severity": rule.severity,
        "service_id": rule.scope.service_id,
        "environment_id": rule.scope.environment_id,
        "enabled": rule.enabled,
        "for_seconds": rule.times.for_seconds,
        "cooldown_seconds": rule.times.cooldown_seconds,
        "keep_firing_for_seconds": rule.times.keep_firing_for_seconds,
        "labels": rule.labels,
        "runbook_url": rule.runbook_url,
        "description": rule.description,
    });
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &rule.id, &rule.version, &definition])
        .await?;
    Ok(())
}

/// The newest hundred versions of a rule, newest first.
pub async fn versions(tx: &TenantTx<'_>, id: AlertRuleId) -> Result<Vec<Version>, DbError> {
    const SQL: &str = "
        -- alert_rules::versions
        SELECT version, definition, created_at FROM alert_rule_versions
        WHERE org_id = $1 AND rule_id = $2 ORDER BY version DESC LIMIT 100";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &id]).await?;
    Ok(rows
        .iter()
        .map(|row| Version {
            version: row.get("version"),
            definition: row.get("definition"),
            created_at: row.get("created_at"),
        })
        .collect())
}
