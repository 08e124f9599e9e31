//! Alert rules. A deleted one stays until the evaluator has ended what it fired.

mod evaluation;
mod versions;

use domain::alerting::labels::Labels;
use domain::alerting::rule::{Condition, Definition, Description, RuleScope, RuleType, RunbookUrl, Times};
use domain::ids::AlertRuleId;
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use domain::severity::Severity;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{DbError, TenantTx, matchers};

pub use evaluation::{
    expire_history_all_orgs, facts_settled_until, facts_settled_until_all_orgs, lock_for_evaluation,
    orgs_to_evaluate_all_orgs, record_evaluation, record_failure, record_quiet, remove_deleted, to_evaluate,
    watching,
};
pub use versions::{Version, versions};

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
    pub times: Times,
    pub labels: Labels,
    pub runbook_url: Option<String>,
    pub description: String,
    pub version: i32,
    pub deleted: bool,
    pub last_evaluated_at: Option<OffsetDateTime>,
    /// The last moment that was judged everywhere it looks.
    pub evaluated_to: Option<OffsetDateTime>,
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

    /// The same with its times, for the evaluator.
    pub fn definition(&self) -> Result<Definition, DbError> {
        Ok(Definition::new(self.condition()?, self.times))
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
    pub times: Times,
    pub labels: Labels,
    pub runbook_url: Option<RunbookUrl>,
    pub description: Description,
}

macro_rules! columns {
    () => {
        "id, service_id, environment_id, name, type, params_json, severity, enabled, for_seconds, cooldown_seconds,
            keep_firing_for_seconds, labels, runbook_url, description, version, deleted_at IS NOT NULL AS deleted,
            last_evaluated_at, evaluated_to, last_error, created_at, updated_at"
    };
}
pub(crate) use columns;

/// Makes a rule, and keeps what it says as its first version. Violates [`NAME_KEY`] when the organisation has a rule of this
/// name, and a foreign key when it has no such service or environment.
pub async fn create(tx: &TenantTx<'_>, settings: &Settings<'_>) -> Result<AlertRule, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::create
        INSERT INTO alert_rules (org_id, id, service_id, environment_id, name, type, params_json, severity, enabled,
            for_seconds, cooldown_seconds, keep_firing_for_seconds, labels, runbook_url, description)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        RETURNING ",
        columns!()
    );
    write(tx, SQL, AlertRuleId::generate(), settings)
        .await?
        .ok_or(DbError::Corrupt {
            what: "alert rule",
            source: "an insert returned no row".into(),
        })
}

/// Changes a rule, raises its version and keeps what it says now. Violates what [`create`] violates.
pub async fn update(
    tx: &TenantTx<'_>,
    id: AlertRuleId,
    settings: &Settings<'_>,
) -> Result<Option<AlertRule>, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::update
        UPDATE alert_rules SET service_id = $3, environment_id = $4, name = $5, type = $6, params_json = $7,
            severity = $8, enabled = $9, for_seconds = $10, cooldown_seconds = $11, keep_firing_for_seconds = $12,
            labels = $13, runbook_url = $14, description = $15, version = version + 1, updated_at = now(),
            -- What happened while it was disabled stays out of it.
            evaluated_to = CASE WHEN enabled THEN evaluated_to END
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL
        RETURNING ",
        columns!()
    );
    write(tx, SQL, id, settings).await
}

async fn write(
    tx: &TenantTx<'_>,
    sql: &str,
    id: AlertRuleId,
    settings: &Settings<'_>,
) -> Result<Option<AlertRule>, DbError> {
    let Times {
        for_seconds,
        cooldown_seconds,
        keep_firing_for_seconds,
    } = settings.times;
    let statement = tx.prepare_cached(sql).await?;
    let row = tx
        .query_opt(
            &statement,
            &[
                &tx.org_id(),
                &id,
                &settings.scope.service_id,
                &settings.scope.environment_id,
                settings.name,
                &settings.condition.kind(),
                &settings.condition.params(),
                &settings.severity,
                &settings.enabled,
                &for_seconds,
                &cooldown_seconds,
                &keep_firing_for_seconds,
                &Json(&settings.labels),
                &settings.runbook_url.as_ref().map(RunbookUrl::as_str),
                &settings.description.as_str(),
            ],
        )
        .await?;
    let Some(rule) = row.as_ref().map(read).transpose()? else {
        return Ok(None);
    };
    versions::keep(tx, &rule).await?;
    Ok(Some(rule))
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
    row.as_ref().map(read).transpose()
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
    row.as_ref().map(read).transpose()
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
    rows.iter().map(read).collect()
}

/// All of them, by name, for files of rules; nobody else changes them until the transaction ends.
pub async fn all_for_update(tx: &TenantTx<'_>) -> Result<Vec<AlertRule>, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::all_for_update
        SELECT ",
        columns!(),
        "
        FROM alert_rules WHERE org_id = $1 AND deleted_at IS NULL ORDER BY name FOR UPDATE"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    rows.iter().map(read).collect()
}

/// All of them, by name.
pub async fn all(tx: &TenantTx<'_>) -> Result<Vec<AlertRule>, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::all
        SELECT ",
        columns!(),
        "
        FROM alert_rules WHERE org_id = $1 AND deleted_at IS NULL ORDER BY name"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    rows.iter().map(read).collect()
}

pub async fn count(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- alert_rules::count
        SELECT count(*) FROM alert_rules WHERE org_id = $1 AND deleted_at IS NULL";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}

pub(super) fn read(row: &Row) -> Result<AlertRule, DbError> {
    Ok(AlertRule {
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
        times: Times {
            for_seconds: row.get("for_seconds"),
            cooldown_seconds: row.get("cooldown_seconds"),
            keep_firing_for_seconds: row.get("keep_firing_for_seconds"),
        },
        labels: matchers::read_labels(row)?,
        runbook_url: row.get("runbook_url"),
        description: row.get("description"),
        version: row.get("version"),
        deleted: row.get("deleted"),
        last_evaluated_at: row.get("last_evaluated_at"),
        evaluated_to: row.get("evaluated_to"),
        last_error: row.get("last_error"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}
