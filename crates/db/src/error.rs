//! What can go wrong between us and PostgreSQL, sorted by what a caller can do about it.

use std::error::Error;

use tokio_postgres::error::SqlState;

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No connection became free, or none could be made, in time.
    #[error("no database connection")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// The server said nothing for longer than the caller could wait. Its connection is not to be used again.
    #[error("the database did not answer in time")]
    NoAnswer,
    #[error("database request failed")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("database address is not valid")]
    Address(#[source] tokio_postgres::Error),
    #[error("the connection pool could not be built")]
    Build(#[from] deadpool_postgres::BuildError),
    #[error("migrations failed")]
    Migration(#[from] refinery::Error),
    #[error("the schema is at version {found}, this program needs {needed}: run the migrate program first")]
    SchemaTooOld { found: i32, needed: i32 },
    #[error("{0} is off in PostgreSQL: acknowledged lines could be lost in a crash")]
    NotDurable(String),
    /// A stored value that this version of the program does not understand.
    #[error("stored {what} cannot be read")]
    Corrupt {
        what: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl DbError {
    /// Whether trying again later may help: the server is away, busy, full, or gave up on a lock or a time limit.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Pool(_) | Self::NoAnswer => true,
            Self::Postgres(error) => match error.code() {
                None => error.is_closed() || error.source().is_some_and(<dyn Error>::is::<std::io::Error>),
                Some(state) => {
                    // 08 connection, 53 resources (disk full, too many connections), 57 operator intervention
                    // (shutdown, statement_timeout), 40 serialization and deadlock, 55P03 lock_timeout.
                    ["08", "53", "57", "40"]
                        .iter()
                        .any(|class| state.code().starts_with(class))
                        || *state == SqlState::LOCK_NOT_AVAILABLE
                }
            },
            Self::Address(_)
            | Self::Build(_)
            | Self::Migration(_)
            | Self::SchemaTooOld { .. }
            | Self::NotDurable(_)
            | Self::Corrupt { .. } => false,
        }
    }

    /// Whether a unique constraint (or unique index) of this name refused the row.
    pub fn violates_unique(&self, constraint: &str) -> bool {
        self.violates(&SqlState::UNIQUE_VIOLATION, constraint)
    }

    /// Whether a row that this one refers to does not exist in this tenant.
    pub fn violates_foreign_key(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION))
    }

    /// Whether the data itself was refused (as opposed to the server being away): trying it again cannot help.
    pub fn is_bad_data(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code().is_some_and(|state| {
            // 22 data exception, 23 constraint, 54 a limit of the program, such as how deep a document may nest.
            ["22", "23", "54"].iter().any(|class| state.code().starts_with(class))
        }))
    }

    fn violates(&self, state: &SqlState, constraint: &str) -> bool {
        let Self::Postgres(error) = self else { return false };
        error.code() == Some(state)
            && error
                .as_db_error()
                .and_then(tokio_postgres::error::DbError::constraint)
                == Some(constraint)
    }
}
