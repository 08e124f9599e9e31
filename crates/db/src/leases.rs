//! Leadership: one holder per name, by the database's clock.

use std::time::Duration;

use deadpool_postgres::GenericClient;
use uuid::Uuid;

use crate::{Connection, DbError};

/// A lease that was won. `fence` rises with every change of holder; a write done under the lease checks it in the
/// writing statement (or repeats [`holds`] in its transaction), so that a holder that slept through its expiry does
/// no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub owner: Uuid,
    pub fence: i64,
}

/// Takes or extends the lease; `None` while another holds it.
pub async fn acquire(
    conn: &Connection,
    name: &str,
    owner: Uuid,
    ttl: Duration,
) -> Result<Option<Lease>, DbError> {
    const SQL: &str = "
        -- leases::acquire
        INSERT INTO leases AS l (name, owner, fence, expires_at)
        VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET
            owner = excluded.owner,
            fence = l.fence + (l.owner <> excluded.owner)::int,
            expires_at = excluded.expires_at
        WHERE l.owner = excluded.owner OR l.expires_at <= clock_timestamp()
        RETURNING fence";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn
        .query_opt(&statement, &[&name, &owner, &ttl.as_secs_f64()])
        .await?;
    Ok(row.map(|row| Lease {
        owner,
        fence: row.get("fence"),
    }))
}

/// Whether the lease is still held, at this moment of the database's clock.
pub async fn holds(conn: &impl GenericClient, name: &str, lease: Lease) -> Result<bool, DbError> {
    const SQL: &str = "
        -- leases::holds
        SELECT EXISTS (SELECT FROM leases
            WHERE name = $1 AND owner = $2 AND fence = $3 AND expires_at > clock_timestamp())";
    let statement = conn.prepare_cached(SQL).await?;
    Ok(conn
        .query_one(&statement, &[&name, &lease.owner, &lease.fence])
        .await?
        .get(0))
}

/// Gives the lease up early, so that a successor need not wait for its expiry.
pub async fn release(conn: &Connection, name: &str, lease: Lease) -> Result<(), DbError> {
    const SQL: &str = "
        -- leases::release
        UPDATE leases SET expires_at = clock_timestamp() WHERE name = $1 AND owner = $2 AND fence = $3";
    let statement = conn.prepare_cached(SQL).await?;
    conn.execute(&statement, &[&name, &lease.owner, &lease.fence])
        .await?;
    Ok(())
}
