//! Who belongs to an organisation, and as what.

use domain::email::Email;
use domain::ids::UserId;
use domain::page::{Cursor, PageLimit};
use domain::role::Role;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{DbError, TenantTx};

#[derive(Clone, Debug)]
pub struct Member {
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// When the membership began.
    pub created_at: OffsetDateTime,
}

/// Adds a member; false when the person is one already, whose role then stays.
pub async fn add(tx: &TenantTx<'_>, user_id: UserId, role: Role) -> Result<bool, DbError> {
    const SQL: &str = "
        -- members::add
        INSERT INTO org_members (org_id, user_id, role) VALUES ($1, $2, $3) ON CONFLICT (org_id, user_id) DO NOTHING";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.execute(&statement, &[&tx.org_id(), &user_id, &role]).await? == 1)
}

/// Oldest membership first.
pub async fn list(
    tx: &TenantTx<'_>,
    after: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Member>, DbError> {
    const SQL: &str = "
        -- members::list
        SELECT m.user_id, u.email, u.name, m.role, m.created_at
        FROM org_members m JOIN users u ON u.id = m.user_id
        WHERE m.org_id = $1 AND ($2::timestamptz IS NULL OR (m.created_at, m.user_id) > ($2, $3))
        ORDER BY m.created_at, m.user_id LIMIT $4";
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (after.map(|cursor| cursor.at), after.map(|cursor| cursor.key));
    let rows = tx
        .query(&statement, &[&tx.org_id(), &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

pub async fn find(tx: &TenantTx<'_>, user_id: UserId) -> Result<Option<Member>, DbError> {
    const SQL: &str = "
        -- members::find
        SELECT m.user_id, u.email, u.name, m.role, m.created_at
        FROM org_members m JOIN users u ON u.id = m.user_id
        WHERE m.org_id = $1 AND m.user_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &user_id]).await?;
    Ok(row.as_ref().map(read))
}

/// Whether somebody with this e-mail is a member.
pub async fn includes(tx: &TenantTx<'_>, email: &Email) -> Result<bool, DbError> {
    const SQL: &str = "
        -- members::includes
        SELECT EXISTS (
            SELECT FROM org_members m JOIN users u ON u.id = m.user_id WHERE m.org_id = $1 AND u.email = $2)";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id(), email]).await?.get(0))
}

/// Counts under [`crate::orgs::lock_membership`], or the count may be old before it is used.
pub async fn count_admins(tx: &TenantTx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "
        -- members::count_admins
        SELECT count(*) FROM org_members WHERE org_id = $1 AND role = 'admin'";
    let statement = tx.prepare_cached(SQL).await?;
    Ok(tx.query_one(&statement, &[&tx.org_id()]).await?.get(0))
}

pub async fn set_role(tx: &TenantTx<'_>, user_id: UserId, role: Role) -> Result<(), DbError> {
    const SQL: &str = "
        -- members::set_role
        UPDATE org_members SET role = $3 WHERE org_id = $1 AND user_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &user_id, &role]).await?;
    Ok(())
}

pub async fn remove(tx: &TenantTx<'_>, user_id: UserId) -> Result<(), DbError> {
    const SQL: &str = "
        -- members::remove
        DELETE FROM org_members WHERE org_id = $1 AND user_id = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), &user_id]).await?;
    Ok(())
}

fn read(row: &Row) -> Member {
    Member {
        user_id: row.get("user_id"),
        email: row.get("email"),
        name: row.get("name"),
        role: row.get("role"),
        created_at: row.get("created_at"),
    }
}
