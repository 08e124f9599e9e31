//! Organisations: the tenants.

use domain::ids::{OrgId, UserId};
use domain::name::Name;
use domain::page::{Cursor, PageLimit};
use domain::role::Role;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Connection, DbError, TenantTx};

/// An organisation as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub org_id: OrgId,
    pub name: String,
    pub role: Role,
    /// When the organisation was created.
    pub created_at: OffsetDateTime,
}

/// Writes the organisation that the transaction was opened for.
pub async fn create(tx: &TenantTx<'_>, name: &Name) -> Result<(), DbError> {
    const SQL: &str = "
        -- orgs::create
        INSERT INTO orgs (id, name) VALUES ($1, $2)";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&tx.org_id(), name]).await?;
    Ok(())
}

/// Lets one transaction at a time change who belongs to this organisation, and as what. Rows that merely refer to the
/// organisation are written meanwhile.
pub async fn lock_membership(tx: &TenantTx<'_>) -> Result<(), DbError> {
    const SQL: &str = "
        -- orgs::lock_membership
        SELECT 1 FROM orgs WHERE id = $1 FOR NO KEY UPDATE";
    let statement = tx.prepare_cached(SQL).await?;
    tx.query(&statement, &[&tx.org_id()]).await?;
    Ok(())
}

/// The organisations of one person, oldest first.
pub async fn list_of_user_all_orgs(
    conn: &Connection,
    user_id: UserId,
    after: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Membership>, DbError> {
    const SQL: &str = "
        -- orgs::list_of_user_all_orgs
        SELECT org_id, name, role, created_at FROM orgs_of_user($1)
        WHERE $2::timestamptz IS NULL OR (created_at, org_id) > ($2, $3)
        ORDER BY created_at, org_id LIMIT $4";
    let statement = conn.prepare_cached(SQL).await?;
    let (at, id) = (after.map(|cursor| cursor.at), after.map(|cursor| cursor.key));
    let rows = conn
        .query(&statement, &[&user_id, &at, &id, &limit.probe()])
        .await?;
    Ok(rows.iter().map(read).collect())
}

pub async fn count_of_user_all_orgs(conn: &Connection, user_id: UserId) -> Result<i64, DbError> {
    const SQL: &str = "
        -- orgs::count_of_user_all_orgs
        SELECT count(*) FROM orgs_of_user($1)";
    let statement = conn.prepare_cached(SQL).await?;
    Ok(conn.query_one(&statement, &[&user_id]).await?.get(0))
}

/// One organisation, if this person is a member of it.
pub async fn find_of_user_all_orgs(
    conn: &Connection,
    user_id: UserId,
    org_id: OrgId,
) -> Result<Option<Membership>, DbError> {
    const SQL: &str = "
        -- orgs::find_of_user_all_orgs
        SELECT org_id, name, role, created_at FROM orgs_of_user($1) WHERE org_id = $2";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_opt(&statement, &[&user_id, &org_id]).await?;
    Ok(row.as_ref().map(read))
}

/// Where a session of this person starts: the preferred organisation while they are a member of it, else their oldest.
pub async fn starting_org_all_orgs(
    conn: &Connection,
    user_id: UserId,
    preferred: Option<OrgId>,
) -> Result<Option<Membership>, DbError> {
    const SQL: &str = "
        -- orgs::starting_org_all_orgs
        SELECT org_id, name, role, created_at FROM orgs_of_user($1)
        ORDER BY org_id IS NOT DISTINCT FROM $2::uuid DESC, created_at, org_id LIMIT 1";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_opt(&statement, &[&user_id, &preferred]).await?;
    Ok(row.as_ref().map(read))
}

fn read(row: &Row) -> Membership {
    Membership {
        org_id: row.get("org_id"),
        name: row.get("name"),
        role: row.get("role"),
        created_at: row.get("created_at"),
    }
}
