//! People. They belong to no tenant: one person may be a member of several organisations.

use deadpool_postgres::Transaction;
use domain::email::Email;
use domain::ids::{OrgId, UserId};

use crate::{Connection, DbError};

/// The unique constraint on the e-mail.
pub const EMAIL_KEY: &str = "users_email_key";

#[derive(Debug)]
pub struct NewUser<'a> {
    pub id: UserId,
    pub email: &'a Email,
    pub name: &'a str,
    /// A PHC string.
    pub password_hash: &'a str,
}

/// Violates [`EMAIL_KEY`] when the e-mail has an account.
pub async fn create(tx: &Transaction<'_>, user: &NewUser<'_>) -> Result<(), DbError> {
    const SQL: &str = "
        -- users::create
        INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, $3, $4)";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[&user.id, user.email, &user.name, &user.password_hash],
    )
    .await?;
    Ok(())
}

/// What logging in needs to know.
#[derive(Clone)]
pub struct Account {
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    pub password_hash: String,
    /// The organisation that was active last.
    pub last_org_id: Option<OrgId>,
}

pub async fn find_by_email(conn: &Connection, email: &Email) -> Result<Option<Account>, DbError> {
    const SQL: &str = "
        -- users::find_by_email
        SELECT id, email, name, password_hash, last_org_id FROM users WHERE email = $1";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_opt(&statement, &[email]).await?;
    Ok(row.map(|row| Account {
        user_id: row.get("id"),
        email: row.get("email"),
        name: row.get("name"),
        password_hash: row.get("password_hash"),
        last_org_id: row.get("last_org_id"),
    }))
}

/// Replaces a hash by a better one of the same password, unless the password was changed meanwhile.
pub async fn replace_password_hash(
    tx: &Transaction<'_>,
    user_id: UserId,
    old: &str,
    new: &str,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- users::replace_password_hash
        UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&user_id, &old, &new]).await?;
    Ok(())
}

/// Remembers the organisation in which the next session starts.
pub async fn set_last_org(tx: &Transaction<'_>, user_id: UserId, org_id: OrgId) -> Result<(), DbError> {
    const SQL: &str = "
        -- users::set_last_org
        UPDATE users SET last_org_id = $2 WHERE id = $1";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(&statement, &[&user_id, &org_id]).await?;
    Ok(())
}
