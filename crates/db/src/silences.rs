//! Silences: what holds notifications back for a while, by whom and why. They are ended, never deleted.

use domain::alerting::matcher::Matcher;
use domain::ids::{SilenceId, UserId};
use domain::page::{Cursor, PageLimit};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{DbError, TenantTx, matchers};

#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    pub id: SilenceId,
    pub matcher: Matcher,
    pub starts_at: OffsetDateTime,
    pub ends_at: OffsetDateTime,
    pub reason: String,
    pub created_by: Option<UserId>,
    pub created_by_email: String,
    pub created_at: OffsetDateTime,
    /// When and by whom it was ended before its time.
    pub ended_at: Option<OffsetDateTime>,
    pub ended_by_email: Option<String>,
    /// Notifications that it holds back, or held back last.
    pub held: i64,
}

#[derive(Clone, Debug)]
pub struct NewSilence<'a> {
    pub matcher: &'a Matcher,
    pub starts_at: OffsetDateTime,
    pub ends_at: OffsetDateTime,
    pub reason: &'a str,
    pub created_by: UserId,
    pub created_by_email: &'a str,
}

macro_rules! columns {
    () => {
        "s.id, s.min_severity, s.max_severity, s.service_id, s.environment_id, s.rule_id, s.labels, s.starts_at,
            s.ends_at, s.reason, s.created_by, s.created_by_email, s.created_at, s.ended_at, s.ended_by_email,
            (SELECT count(*) FROM notification_jobs j WHERE j.org_id = s.org_id AND j.silence_id = s.id) AS held
        FROM silences s"
    };
}

/// Violates a foreign key when the organisation has no such service, environment or rule.
pub async fn create(tx: &TenantTx<'_>, new: &NewSilence<'_>) -> Result<SilenceId, DbError> {
    const SQL: &str = "
        -- silences::create
        INSERT INTO silences (org_id, id, min_severity, max_severity, service_id, environment_id, rule_id, labels,
            starts_at, ends_at, reason, created_by, created_by_email)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let id = SilenceId::generate();
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &id,
            &new.matcher.min_severity,
            &new.matcher.max_severity,
            &new.matcher.service_id,
            &new.matcher.environment_id,
            &new.matcher.rule_id,
            &Json(&new.matcher.labels),
            &new.starts_at,
            &new.ends_at,
            &new.reason,
            &new.created_by,
            &new.created_by_email,
        ],
    )
    .await?;
    Ok(id)
}

pub async fn find(tx: &TenantTx<'_>, id: SilenceId) -> Result<Option<Silence>, DbError> {
    const SQL: &str = concat!(
        "
        -- silences::find
        SELECT ",
        columns!(),
        " WHERE s.org_id = $1 AND s.id = $2"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    row.as_ref().map(read).transpose()
}

/// Newest first; `only_live` leaves out those that are over.
pub async fn list(
    tx: &TenantTx<'_>,
    only_live: bool,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Silence>, DbError> {
    const SQL: &str = concat!(
        "
        -- silences::list
        SELECT ",
        columns!(),
        "
        WHERE s.org_id = $1 AND (NOT $2 OR s.ends_at > now())
          AND ($3::timestamptz IS NULL OR (s.created_at, s.id) < ($3, $4))
        ORDER BY s.created_at DESC, s.id DESC LIMIT $5"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &only_live, &at, &id, &limit.probe()])
        .await?;
    rows.iter().map(read).collect()
}

/// Those that hold something back at this moment.
pub async fn active_at(tx: &TenantTx<'_>, now: OffsetDateTime) -> Result<Vec<Silence>, DbError> {
    const SQL: &str = "
        -- silences::active_at
        SELECT s.id, s.min_severity, s.max_severity, s.service_id, s.environment_id, s.rule_id, s.labels, s.starts_at,
            s.ends_at, s.reason, s.created_by, s.created_by_email, s.created_at, s.ended_at, s.ended_by_email,
            0::bigint AS held
        FROM silences s WHERE s.org_id = $1 AND s.ends_at > $2 AND s.starts_at <= $2";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &now]).await?;
    rows.iter().map(read).collect()
}

/// How many are not over.
pub async fn count_live(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- silences::count_live
        SELECT count(*) FROM silences WHERE org_id = $1 AND ends_at > now()";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}

/// Ends a silence now; `false` when it is over already. What it holds back is looked at again at once.
pub async fn end(tx: &TenantTx<'_>, id: SilenceId, by: &str) -> Result<bool, DbError> {
    const END: &str = "
        -- silences::end
        UPDATE silences SET starts_at = least(starts_at, now()), ends_at = now(), ended_at = now(), ended_by_email = $3
        WHERE org_id = $1 AND id = $2 AND ends_at > now()";
    const RELEASE: &str = "
        -- silences::end
        UPDATE notification_jobs SET held_until = now()
        WHERE org_id = $1 AND silence_id = $2 AND state = 'held' AND held_until > now()";
    let end = tx.prepare_cached(END).await?;
    if tx.execute(&end, &[&tx.org_id(), &id, &by]).await? == 0 {
        return Ok(false);
    }
    let release = tx.prepare_cached(RELEASE).await?;
    tx.execute(&release, &[&tx.org_id(), &id]).await?;
    Ok(true)
}

fn read(row: &Row) -> Result<Silence, DbError> {
    Ok(Silence {
        id: row.get("id"),
        matcher: matchers::read(row)?,
        starts_at: row.get("starts_at"),
        ends_at: row.get("ends_at"),
        reason: row.get("reason"),
        created_by: row.get("created_by"),
        created_by_email: row.get("created_by_email"),
        created_at: row.get("created_at"),
        ended_at: row.get("ended_at"),
        ended_by_email: row.get("ended_by_email"),
        held: row.get("held"),
    })
}
