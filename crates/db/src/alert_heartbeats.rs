//! The addresses that jobs call, and their calls.

use domain::ids::{AlertRuleId, OrgId};
use domain::token::TokenHash;
use time::OffsetDateTime;

use crate::{Connection, DbError, TenantTx};

/// Gives a rule its address, or another one in place of that which it had.
pub async fn set_token(
    tx: &TenantTx<'_>,
    rule_id: AlertRuleId,
    hash: TokenHash,
    prefix: &str,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- alert_heartbeats::set_token
        INSERT INTO alert_heartbeats (org_id, rule_id, token_hash, token_prefix) VALUES ($1, $2, $3, $4)
        ON CONFLICT (org_id, rule_id) DO UPDATE SET token_hash = excluded.token_hash,
            token_prefix = excluded.token_prefix";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &rule_id, &hash.as_bytes(), &prefix])
        .await?;
    Ok(())
}

/// What people may see of a rule's address, and when it was called last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub token_prefix: String,
    pub last_beat_at: Option<OffsetDateTime>,
}

pub async fn find(tx: &TenantTx<'_>, rule_id: AlertRuleId) -> Result<Option<Seen>, DbError> {
    const SQL: &str = "
        -- alert_heartbeats::find
        SELECT token_prefix, last_beat_at FROM alert_heartbeats WHERE org_id = $1 AND rule_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &rule_id]).await?;
    Ok(row.map(|row| Seen {
        token_prefix: row.get("token_prefix"),
        last_beat_at: row.get("last_beat_at"),
    }))
}

/// A job called; calls that follow within `every` are not written down.
pub async fn note(
    conn: &Connection,
    hash: TokenHash,
    every: time::Duration,
) -> Result<Option<(OrgId, AlertRuleId)>, DbError> {
    const SQL: &str = "
        -- alert_heartbeats::note
        SELECT org_id, rule_id FROM note_heartbeat($1, make_interval(secs => $2))";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn
        .query_opt(&statement, &[&hash.as_bytes(), &every.as_seconds_f64()])
        .await?;
    Ok(row.map(|row| (row.get("org_id"), row.get("rule_id"))))
}

/// Calls of a rule's job within these times, in their order, and the last one before them.
pub async fn calls(
    tx: &TenantTx<'_>,
    rule_id: AlertRuleId,
    (from, to): (OffsetDateTime, OffsetDateTime),
) -> Result<Vec<OffsetDateTime>, DbError> {
    const SQL: &str = "
        -- alert_heartbeats::calls
        SELECT at FROM alert_heartbeat_calls
        WHERE org_id = $1 AND rule_id = $2 AND at <= $4 AND at >= coalesce((
            SELECT max(at) FROM alert_heartbeat_calls WHERE org_id = $1 AND rule_id = $2 AND at <= $3), $3)
        ORDER BY at LIMIT 1000000";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &rule_id, &from, &to])
        .await?;
    Ok(rows.iter().map(|row| row.get("at")).collect())
}
