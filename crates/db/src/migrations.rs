//! Brings a database to the schema that this program knows. Run by the `migrate` program only, never by a service.

use std::time::Duration;

use tokio_postgres::NoTls;

use crate::{Connection, DbConfig, DbError, pool};

mod embedded {
    refinery::embed_migrations!("../../migrations");
}

/// The roles that services log in with.
pub const SERVICE_ROLES: [&str; 6] = [
    "sightline_ingest",
    "sightline_compactor",
    "sightline_query",
    "sightline_identity",
    "sightline_alerting",
    "sightline_webhook",
];

/// Two programs that migrate at once: one works, the others wait. Any number that nobody else uses.
const LOCK: i64 = 0x5349_4748_544C; // "SIGHTL"

/// Applies what is missing, and returns the names of what was applied. `role_password`, if given, becomes the password
/// of every service role.
///
/// The advisory lock is ours because the runner takes none: three first runs at once were seen to fail two of three.
/// It lives on a connection of its own, so that nothing else can release it.
pub async fn run(url: &str, role_password: Option<&str>) -> Result<Vec<String>, DbError> {
    let mut config = DbConfig::new(url, "sightline-migrate");
    config.statement_timeout = Duration::from_mins(10);
    let config = pool::session_config(&config)?;

    let (guard, connection) = config.connect(NoTls).await?;
    let guard_driver = tokio::spawn(connection);
    // Waiting for a turn is not a hung lock, so it is not cut off.
    guard.batch_execute("SET lock_timeout = 0").await?;
    guard.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;

    let (mut client, connection) = config.connect(NoTls).await?;
    let driver = tokio::spawn(connection);
    let report = embedded::migrations::runner().run_async(&mut client).await?;
    for role in SERVICE_ROLES {
        // Role names are constants of this file; services read the history to refuse an older schema.
        client
            .batch_execute(&format!("GRANT SELECT ON refinery_schema_history TO {role}"))
            .await?;
    }
    if let Some(password) = role_password {
        set_role_passwords(&client, password).await?;
    }
    drop(client);
    let _ = driver.await;
    drop(guard);
    let _ = guard_driver.await;
    Ok(report
        .applied_migrations()
        .iter()
        .map(ToString::to_string)
        .collect())
}

async fn set_role_passwords(client: &tokio_postgres::Client, password: &str) -> Result<(), DbError> {
    // ALTER ROLE takes no parameters; the server quotes the literal itself.
    let row = client.query_one("SELECT quote_literal($1)", &[&password]).await?;
    let literal: String = row.get(0);
    for role in SERVICE_ROLES {
        let sql = format!("ALTER ROLE {role} PASSWORD {literal}");
        // Roles belong to the cluster and the lock to one database: a neighbour may be at the same row.
        let mut tries = 0;
        while let Err(error) = client.batch_execute(&sql).await {
            let concurrent = error.code() == Some(&tokio_postgres::error::SqlState::INTERNAL_ERROR);
            tries += 1;
            if !concurrent || tries == 10 {
                return Err(error.into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// The newest version that this program carries.
pub fn known_version() -> i32 {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(refinery::Migration::version)
        .max()
        .unwrap_or(0)
}

/// Tells one set of migrations from another: names the template database of the tests.
pub fn fingerprint() -> u64 {
    let mut checksums: Vec<u64> = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(refinery::Migration::checksum)
        .collect();
    checksums.sort_unstable();
    checksums
        .iter()
        .fold(0, |sum, checksum| sum.rotate_left(7) ^ checksum)
}

/// Refuses a schema that is older than this program. A newer one is fine: migrations expand before they contract.
pub async fn require_current(conn: &Connection) -> Result<(), DbError> {
    const SQL: &str = "
        -- migrations::require_current
        SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    let found = match conn.query_one(SQL, &[]).await {
        Ok(row) => row.get(0),
        Err(error) if error.code() == Some(&tokio_postgres::error::SqlState::UNDEFINED_TABLE) => 0,
        Err(error) => return Err(error.into()),
    };
    let needed = known_version();
    if found < needed {
        Err(DbError::SchemaTooOld { found, needed })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A misspelt name (one underscore, say) is skipped without an error by the embedding.
    #[test]
    fn every_file_in_the_folder_is_embedded() {
        let on_disk = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations"))
            .unwrap()
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|e| e == "sql")
            })
            .count();
        assert_eq!(embedded::migrations::runner().get_migrations().len(), on_disk);
        assert_eq!(
            known_version() as usize,
            on_disk,
            "versions are small plain integers without gaps"
        );
    }
}
