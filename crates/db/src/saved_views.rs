//! Searches that people keep under a name. Who may change which is the caller's to decide; what somebody may see is
//! decided here, since it is a matter of which rows there are.

use std::error::Error;

use domain::ids::{SavedViewId, UserId};
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use domain::saved_view::{QueryText, ViewParams};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::{DbError, TenantTx};

/// One name an owner, personal and shared ones together.
pub const NAME_KEY: &str = "saved_views_name_key";

/// What people set on a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewSettings {
    pub name: Name,
    /// Whether every member sees it, or its owner only.
    pub is_shared: bool,
    pub q: QueryText,
    pub params: ViewParams,
}

#[derive(Clone, Debug)]
pub struct SavedView {
    pub id: SavedViewId,
    /// The owner, who may have left the organisation.
    pub user_id: UserId,
    pub settings: ViewSettings,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

macro_rules! columns {
    () => {
        "id, user_id, name, is_shared, q, params, created_at, updated_at"
    };
}

/// Violates [`NAME_KEY`] when the owner has a view of this name.
pub async fn create(tx: &TenantTx<'_>, owner: UserId, settings: &ViewSettings) -> Result<SavedView, DbError> {
    const SQL: &str = concat!(
        "
        -- saved_views::create
        INSERT INTO saved_views (org_id, id, user_id, name, is_shared, q, params)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING ",
        columns!()
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &SavedViewId::generate(),
                &owner,
                &settings.name,
                &settings.is_shared,
                &settings.q.as_str(),
                &Json(&settings.params),
            ],
        )
        .await?;
    read(&row)
}

/// What somebody may see, newest first: their own, and those that are shared.
pub async fn list(
    tx: &TenantTx<'_>,
    reader: UserId,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<SavedView>, DbError> {
    const SQL: &str = concat!(
        "
        -- saved_views::list
        SELECT ",
        columns!(),
        "
        FROM saved_views
        WHERE org_id = $1 AND (is_shared OR user_id = $2)
            AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
        ORDER BY created_at DESC, id DESC LIMIT $5"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &reader, &at, &id, &limit.probe()])
        .await?;
    rows.iter().map(read).collect()
}

/// A view that this person may see.
pub async fn find(tx: &TenantTx<'_>, reader: UserId, id: SavedViewId) -> Result<Option<SavedView>, DbError> {
    const SQL: &str = concat!(
        "
        -- saved_views::find
        SELECT ",
        columns!(),
        "
        FROM saved_views WHERE org_id = $1 AND id = $2 AND (is_shared OR user_id = $3)"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id, &reader]).await?;
    row.as_ref().map(read).transpose()
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &TenantTx<'_>, reader: UserId, id: SavedViewId) -> Result<Option<SavedView>, DbError> {
    const SQL: &str = concat!(
        "
        -- saved_views::lock
        SELECT ",
        columns!(),
        "
        FROM saved_views WHERE org_id = $1 AND id = $2 AND (is_shared OR user_id = $3) FOR UPDATE"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id, &reader]).await?;
    row.as_ref().map(read).transpose()
}

/// Violates [`NAME_KEY`] when the owner has another view of this name.
pub async fn update(
    tx: &TenantTx<'_>,
    id: SavedViewId,
    settings: &ViewSettings,
) -> Result<Option<SavedView>, DbError> {
    const SQL: &str = concat!(
        "
        -- saved_views::update
        UPDATE saved_views SET name = $3, is_shared = $4, q = $5, params = $6, updated_at = now()
        WHERE org_id = $1 AND id = $2
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
                &settings.name,
                &settings.is_shared,
                &settings.q.as_str(),
                &Json(&settings.params),
            ],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

/// Returns whether there was one.
pub async fn delete(tx: &TenantTx<'_>, id: SavedViewId) -> Result<bool, DbError> {
    const SQL: &str = "
        -- saved_views::delete
        DELETE FROM saved_views WHERE org_id = $1 AND id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.execute(&statement, &[&tx.org_id(), &id]).await? > 0)
}

/// How many views somebody owns, personal and shared.
pub async fn count_of(tx: &TenantTx<'_>, owner: UserId) -> Result<i64, DbError> {
    const SQL: &str = "
        -- saved_views::count_of
        SELECT count(*) FROM saved_views WHERE org_id = $1 AND user_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id(), &owner]).await?.get(0))
}

fn read(row: &Row) -> Result<SavedView, DbError> {
    let corrupt = |source: Box<dyn Error + Send + Sync>| DbError::Corrupt {
        what: "saved view",
        source,
    };
    let (q, params): (String, Value) = (row.get("q"), row.get("params"));
    Ok(SavedView {
        id: row.get("id"),
        user_id: row.get("user_id"),
        settings: ViewSettings {
            name: row.get("name"),
            is_shared: row.get("is_shared"),
            q: QueryText::try_from(q).map_err(|error| corrupt(error.into()))?,
            params: serde_json::from_value(params).map_err(|error| corrupt(error.into()))?,
        },
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}
