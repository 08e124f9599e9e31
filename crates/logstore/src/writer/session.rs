//! One writer connection: its statements, and the id under which it counts.

use std::time::Duration;

use db::{DbConfig, DbError};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, Statement};

use super::ids::{self, Ids};
use super::layout;
use crate::receipts;
use crate::segment::Encoder;

const COUNT_SQL: &str = "
    -- writer::count
    SELECT add_log_counts($1, $2, $3, $4, $5, $6, $7)";

pub(super) struct Session {
    pub(super) client: Client,
    driver: Driver,
    /// Counts are kept per connection, so that writers never wait for one another's rows.
    pub(super) writer_id: i32,
    /// [`super::WriterConfig::segment_min_rows`].
    pub(super) segment_min_rows: usize,
    /// What is left of the ids that were reserved last.
    pub(super) ids: Ids,
    /// Made when it is first needed.
    pub(super) encoder: Option<Encoder>,
    pub(super) copy_rows: Statement,
    pub(super) copy_segments: Statement,
    pub(super) next_ids: Statement,
    pub(super) count: Statement,
    pub(super) claim: Statement,
    pub(super) find: Statement,
}

impl Session {
    /// A server that accepts and then says nothing is given up after a while.
    pub(super) async fn open(config: &DbConfig, segment_min_rows: usize) -> Result<Self, OpenError> {
        const DEADLINE: Duration = Duration::from_secs(5);
        tokio::time::timeout(DEADLINE, Self::connect(config, segment_min_rows))
            .await
            .map_err(|_elapsed| OpenError::Silent)?
            .map_err(OpenError::Refused)
    }

    async fn connect(config: &DbConfig, segment_min_rows: usize) -> Result<Self, DbError> {
        let (client, driver) = db::connect(config).await?;
        let driver = Driver(driver);
        let row = client
            .query_one("SELECT nextval('log_writer_id_seq')::integer", &[])
            .await?;
        Ok(Self {
            driver,
            writer_id: row.get(0),
            segment_min_rows,
            ids: Ids::default(),
            encoder: None,
            copy_rows: client.prepare(layout::ROWS_SQL).await?,
            copy_segments: client.prepare(layout::SEGMENTS_SQL).await?,
            next_ids: client.prepare(ids::NEXT_SQL).await?,
            count: client.prepare(COUNT_SQL).await?,
            claim: client.prepare(receipts::CLAIM_SQL).await?,
            find: client.prepare(receipts::FIND_SQL).await?,
            client,
        })
    }

    /// Waits for the end of the connection.
    pub(super) async fn ended(&mut self) {
        // A driver that panicked is as gone as one that returned.
        let _ = (&mut self.driver.0).await;
    }

    /// Tells the server to give up on what it is doing for us, without waiting for it.
    pub(super) fn cancel(&self) {
        let token = self.client.cancel_token();
        tokio::spawn(async move {
            let cancelling = token.cancel_query(NoTls);
            let _ = tokio::time::timeout(Duration::from_secs(1), cancelling).await;
        });
    }
}

/// The task that drives the connection. Dropping it closes the socket at once: a driver whose server is silent would wait
/// for ever.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("PostgreSQL does not answer")]
    Silent,
    #[error("PostgreSQL cannot be used")]
    Refused(#[source] DbError),
}
