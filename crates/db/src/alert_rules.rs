//! Alert rules. A deleted one stays until the evaluator has ended what it fired.

use std::time::Duration;

use domain::alerting::rule::{Condition, RuleScope, RuleType};
use domain::ids::{AlertRuleId, EnvironmentId, OrgId, ServiceId};
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use domain::severity::Severity;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx};

/// The unique index on an organisation's rule names.
pub const NAME_KEY: &str = "alert_rules_name_key";

#[derive(Clone, Debug, PartialEq)]
pub struct AlertRule {
    pub id: AlertRuleId,
    pub scope: RuleScope,
    pub name: String,
    /// As stored: a newer version of the program may have written a type that this one does not know.
    pub kind: String,
    pub params: Value,
    pub severity: Severity,
    pub enabled: bool,
    pub for_seconds: i32,
    pub cooldown_seconds: i32,
    pub version: i32,
    pub deleted: bool,
    pub last_evaluated_at: Option<OffsetDateTime>,
    /// Why the last evaluation failed, in words for the rule's owner.
    pub last_error: Option<String>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl AlertRule {
    /// What the rule watches, if this version understands it.
    pub fn condition(&self) -> Result<Condition, DbError> {
        let corrupt = |source| DbError::Corrupt {
            what: "alert rule",
            source,
        };
        let kind: RuleType = self.kind.parse().map_err(|error| corrupt(Box::from(error)))?;
        Condition::parse(kind, &self.params).map_err(|error| corrupt(error.into()))
    }
}

/// The fields that people set.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    pub scope: RuleScope,
    pub name: &'a Name,
    pub condition: Condition,
    pub severity: Severity,
    pub enabled: bool,
    pub for_seconds: i32,
    pub cooldown_seconds: i32,
}

macro_rules! columns {
    () => {
        "id, service_id, environment_id, name, type, params_json, severity, enabled, for_seconds, cooldown_seconds,
            version, deleted_at IS NOT NULL AS deleted, last_evaluated_at, last_error, created_at, updated_at"
    };
}

/// Violates [`NAME_KEY`] when the organisation has a rule of this name, and a foreign key when it has no such service or
/// environment.
pub async fn create(tx: &TenantTx<'_>, settings: &Settings<'_>) -> Result<AlertRule, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::create
        INSERT INTO alert_rules (org_id, id, service_id, environment_id, name, type, params_json, severity, enabled,
            for_seconds, cooldown_seconds)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        RETURNING ",
        columns!()
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &AlertRuleId::generate(),
                &settings.scope.service_id,
                &settings.scope.environment_id,
                settings.name,
                &settings.condition.kind(),
                &settings.condition.params(),
                &settings.severity,
                &settings.enabled,
                &settings.for_seconds,
                &settings.cooldown_seconds,
            ],
        )
        .await?;
    Ok(read(&row))
}

/// Changes a rule and raises its version. Violates what [`create`] violates.
pub async fn update(
    tx: &TenantTx<'_>,
    id: AlertRuleId,
    settings: &Settings<'_>,
) -> Result<Option<AlertRule>, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::update
        UPDATE alert_rules SET service_id = $3, environment_id = $4, name = $5, params_json = $6, severity = $7,
            enabled = $8, for_seconds = $9, cooldown_seconds = $10, version = version + 1, updated_at = now()
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL
        RETURNING ",
        columns!()
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &id,
                &settings.scope.service_id,
                &settings.scope.environment_id,
                settings.name,
                &settings.condition.params(),
                &settings.severity,
                &settings.enabled,
                &settings.for_seconds,
                &settings.cooldown_seconds,
            ],
        )
        .await?;
    Ok(row.as_ref().map(read))
}

/// Hides a rule from people and marks it for the evaluator; returns whether there was one.
pub async fn mark_deleted(tx: &TenantTx<'_>, id: AlertRuleId) -> Result<bool, DbError> {
    const SQL: &str = "
        -- alert_rules::mark_deleted
        UPDATE alert_rules SET deleted_at = now(), version = version + 1
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.execute(&statement, &[&tx.org_id(), &id]).await? > 0)
}

/// Removes a rule that was marked as deleted, with its firings.
pub async fn remove_deleted(tx: &TenantTx<'_>, id: AlertRuleId) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_rules::remove_deleted
        DELETE FROM alert_rules WHERE org_id = $1 AND id = $2 AND deleted_at IS NOT NULL";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
}

/// A rule that is not deleted.
pub async fn find(tx: &TenantTx<'_>, id: AlertRuleId) -> Result<Option<AlertRule>, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::find
        SELECT ",
        columns!(),
        "
        FROM alert_rules WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn find_for_update(tx: &TenantTx<'_>, id: AlertRuleId) -> Result<Option<AlertRule>, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::find_for_update
        SELECT ",
        columns!(),
        "
        FROM alert_rules WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// Newest first, without deleted ones.
pub async fn list(
    tx: &TenantTx<'_>,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<AlertRule>, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::list
        SELECT ",
        columns!(),
        "
        FROM alert_rules
        WHERE org_id = $1 AND deleted_at IS NULL AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
        ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

pub async fn count(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- alert_rules::count
        SELECT count(*) FROM alert_rules WHERE org_id = $1 AND deleted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}

/// Locks a rule for its evaluation, deleted or not, and reads the database's clock once it is locked: evaluations of one
/// rule come one after the other, each with a later time. From here on a statement of the transaction may take `budget`.
pub async fn lock_for_evaluation(
    tx: &TenantTx<'_>,
    id: AlertRuleId,
    budget: Duration,
) -> Result<Option<(AlertRule, OffsetDateTime)>, DbError> {
    const LOCK: &str = concat!(
        "
        -- alert_rules::lock_for_evaluation
        SELECT ",
        columns!(),
        "
        FROM alert_rules WHERE org_id = $1 AND id = $2 FOR UPDATE"
    );
    const CLOCK: &str = "
        -- alert_rules::lock_for_evaluation
        SELECT clock_timestamp() AS now, set_config('statement_timeout', $1, true)";
    let lock = tx.prepare_cached(LOCK).await?;
    let Some(row) = tx.query_opt(&lock, &[&tx.org_id(), &id]).await? else {
        return Ok(None);
    };
    let clock = tx.prepare_cached(CLOCK).await?;
    let now = tx
        .query_one(&clock, &[&budget.as_millis().to_string()])
        .await?
        .get("now");
    Ok(Some((read(&row), now)))
}

/// Notes that a rule was evaluated without an error.
pub async fn record_evaluation(
    tx: &TenantTx<'_>,
    id: AlertRuleId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_rules::record_evaluation
        UPDATE alert_rules SET last_evaluated_at = $3, last_error = NULL WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id, &now]).await?;
    Ok(())
}

/// Notes why a rule could not be evaluated.
pub async fn record_failure(tx: &TenantTx<'_>, id: AlertRuleId, error: &str) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_rules::record_failure
        UPDATE alert_rules SET last_evaluated_at = clock_timestamp(), last_error = $3 WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id, &error]).await?;
    Ok(())
}

/// The enabled rules of a type that watch this environment of this service.
pub async fn watching(
    tx: &TenantTx<'_>,
    kind: RuleType,
    service_id: ServiceId,
    environment_id: EnvironmentId,
) -> Result<Vec<AlertRuleId>, DbError> {
    const SQL: &str = "
        -- alert_rules::watching
        SELECT id FROM alert_rules
        WHERE org_id = $1 AND type = $2 AND enabled AND deleted_at IS NULL
          AND (service_id IS NULL OR service_id = $3) AND (environment_id IS NULL OR environment_id = $4)
        ORDER BY id";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &kind, &service_id, &environment_id])
        .await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// Every rule that a sweep must look at, longest unevaluated first.
pub async fn to_evaluate_all_orgs(conn: &Connection) -> Result<Vec<(OrgId, AlertRuleId)>, DbError> {
    const SQL: &str = "
        -- alert_rules::to_evaluate_all_orgs
        SELECT org_id, rule_id FROM rules_to_evaluate_all_orgs()";
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn.query(&statement, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get("org_id"), row.get("rule_id")))
        .collect())
}

fn read(row: &Row) -> AlertRule {
    AlertRule {
        id: row.get("id"),
        scope: RuleScope {
            service_id: row.get("service_id"),
            environment_id: row.get("environment_id"),
        },
        name: row.get("name"),
        kind: row.get("type"),
        params: row.get("params_json"),
        severity: row.get("severity"),
        enabled: row.get("enabled"),
        for_seconds: row.get("for_seconds"),
        cooldown_seconds: row.get("cooldown_seconds"),
        version: row.get("version"),
        deleted: row.get("deleted"),
        last_evaluated_at: row.get("last_evaluated_at"),
        last_error: row.get("last_error"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}
