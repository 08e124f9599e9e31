//! What the evaluator needs of rules: their turn, their lock, and where they have come to.

use std::time::Duration;

use domain::alerting::rule::RuleType;
use domain::ids::{AlertRuleId, EnvironmentId, OrgId, ServiceId};
use time::OffsetDateTime;

use super::{AlertRule, columns, read};
use crate::{Connection, DbError, TenantTx};

/// Removes a rule that was marked as deleted, with its firings.
pub async fn remove_deleted(tx: &TenantTx<'_>, id: AlertRuleId) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_rules::remove_deleted
        DELETE FROM alert_rules WHERE org_id = $1 AND id = $2 AND deleted_at IS NOT NULL";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id]).await?;
    Ok(())
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
    Ok(Some((read(&row)?, now)))
}

/// Notes that a rule was evaluated without an error, and where it has come to if that was everywhere it looks.
pub async fn record_evaluation(
    tx: &TenantTx<'_>,
    id: AlertRuleId,
    now: OffsetDateTime,
    evaluated_to: Option<OffsetDateTime>,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_rules::record_evaluation
        UPDATE alert_rules SET last_evaluated_at = $3, last_error = NULL,
            evaluated_to = greatest(evaluated_to, $4)
        WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &id, &now, &evaluated_to])
        .await?;
    Ok(())
}

/// The same of many rules of which nothing is to be written otherwise, unless they were changed or are evaluated at this
/// moment: their turn comes again.
pub async fn record_quiet(
    tx: &TenantTx<'_>,
    rules: &[(AlertRuleId, i32, Option<OffsetDateTime>)],
    now: OffsetDateTime,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_rules::record_quiet
        WITH quiet AS (
            SELECT r.id, q.evaluated_to
            FROM unnest($2::uuid[], $3::integer[], $4::timestamptz[]) AS q (id, version, evaluated_to)
            JOIN alert_rules r ON r.org_id = $1 AND r.id = q.id AND r.version = q.version
            FOR UPDATE OF r SKIP LOCKED
        )
        UPDATE alert_rules r SET last_evaluated_at = $5, last_error = NULL,
            evaluated_to = greatest(r.evaluated_to, quiet.evaluated_to)
        FROM quiet WHERE r.org_id = $1 AND r.id = quiet.id";
    let ids: Vec<AlertRuleId> = rules.iter().map(|(id, ..)| *id).collect();
    let versions: Vec<i32> = rules.iter().map(|(_, version, _)| *version).collect();
    let ends: Vec<Option<OffsetDateTime>> = rules.iter().map(|(.., end)| *end).collect();
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &ids, &versions, &ends, &now])
        .await?;
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
    kinds: &[RuleType],
    service_id: ServiceId,
    environment_id: EnvironmentId,
) -> Result<Vec<AlertRuleId>, DbError> {
    const SQL: &str = "
        -- alert_rules::watching
        SELECT id FROM alert_rules
        WHERE org_id = $1 AND type = ANY ($2) AND enabled AND deleted_at IS NULL
          AND (service_id IS NULL OR service_id = $3) AND (environment_id IS NULL OR environment_id = $4)
        ORDER BY id";
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &kinds, &service_id, &environment_id])
        .await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// The organisations that have a rule to look at, longest unevaluated first.
pub async fn orgs_to_evaluate_all_orgs(conn: &Connection) -> Result<Vec<OrgId>, DbError> {
    const SQL: &str = "
        -- alert_rules::orgs_to_evaluate_all_orgs
        SELECT org_id FROM orgs_to_evaluate_all_orgs()";
    let statement = conn.prepare_cached(SQL).await?;
    let rows = conn.query(&statement, &[]).await?;
    Ok(rows.iter().map(|row| row.get("org_id")).collect())
}

/// The organisation's rules that must be looked at: enabled ones, others that still hold a firing to end, and deleted ones,
/// longest unevaluated first.
pub async fn to_evaluate(tx: &TenantTx<'_>) -> Result<Vec<AlertRule>, DbError> {
    const SQL: &str = concat!(
        "
        -- alert_rules::to_evaluate
        SELECT ",
        columns!(),
        "
        FROM alert_rules r
        WHERE r.org_id = $1 AND (r.enabled OR r.deleted_at IS NOT NULL OR EXISTS (
            SELECT FROM alert_firings f
            WHERE f.org_id = $1 AND f.rule_id = r.id AND f.state <> 'inactive'))
        ORDER BY r.last_evaluated_at NULLS FIRST, r.id"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id()]).await?;
    rows.iter().map(read).collect()
}

const SETTLED_SQL: &str = "
    -- alert_rules::facts_settled_until
    SELECT facts_settled_until()";

/// The moment up to which all facts that arrived are visible to statements that follow.
pub async fn facts_settled_until(tx: &TenantTx<'_>) -> Result<OffsetDateTime, DbError> {
    let statement = tx.prepare_cached(SETTLED_SQL).await?;
    Ok(tx.query_one(&statement, &[]).await?.get(0))
}

/// The same for transactions that follow.
pub async fn facts_settled_until_all_orgs(conn: &Connection) -> Result<OffsetDateTime, DbError> {
    let statement = conn.prepare_cached(SETTLED_SQL).await?;
    Ok(conn.query_one(&statement, &[]).await?.get(0))
}

/// Deletes some transitions and calls that are older; how many.
pub async fn expire_history_all_orgs(conn: &Connection, keep: Duration) -> Result<i64, DbError> {
    const SQL: &str = "
        -- alert_rules::expire_history_all_orgs
        SELECT expire_alert_history(make_interval(secs => $1), 10000)";
    let statement = conn.prepare_cached(SQL).await?;
    Ok(conn.query_one(&statement, &[&keep.as_secs_f64()]).await?.get(0))
}
