//! The group committer: requests of all tenants meet here and are committed together.
//!
//! There is no timer. A flush takes whatever waited while the flush before it was committed, up to a size, so that a
//! lone request is written at once and a crowd shares one commit. Two connections of the writer's own take turns, so
//! that one commits while the other sends. [`Writer::append`] answers after the commit: what it acknowledges is durable
//! (as far as PostgreSQL is: see `Db::check_durable`) and visible to queries.
//!
//! Nothing waits without a bound. A full queue and a PostgreSQL that is away are refused at once; a flush has a
//! deadline. If PostgreSQL refuses the data of a flush, its requests are written again one by one, so that one tenant's
//! line cannot fail another's.

mod batch;
mod copy;
mod flush;
mod ids;
mod lane;
mod layout;
mod queue;
mod session;

use std::sync::Arc;
use std::time::Duration;

use db::DbConfig;
use domain::ids::ReceiptId;
use domain::scope::Scope;
use tokio_util::task::TaskTracker;

pub use batch::{Batch, BatchFull, Batches, ForeignBatch};

use crate::receipts::{IdempotencyRecord, Receipt};
use queue::{FlushSize, Queue};

/// [`WriterConfig::segment_min_rows`], unless it is set.
pub const SEGMENT_MIN_ROWS: usize = 32;

/// Told after each commit which scopes got lines. Must return at once.
pub type OnCommit = Arc<dyn Fn(&[Scope]) + Send + Sync>;

/// How the writer writes; the defaults are what a service should use.
#[derive(Clone, Debug)]
pub struct WriterConfig {
    /// As the role `sightline_ingest`: COPY is refused to a role that row-level security applies to.
    pub db: DbConfig,
    /// Connections that take turns.
    pub connections: usize,
    /// Lines that may be accepted and not yet answered.
    pub max_queued_rows: usize,
    /// The same in bytes on the wire. One request may be larger than this, when nothing else waits.
    pub max_queued_bytes: usize,
    /// A flush takes no more requests once it has this many lines. Measured: past 5,000 a commit gains nothing.
    pub flush_rows: usize,
    /// The same in bytes.
    pub flush_bytes: usize,
    /// A scope with at least so many lines in a flush gets a segment; fewer are stored as rows. Measured by `make bench`
    /// (ARCHITECTURE.md has the figures).
    pub segment_min_rows: usize,
    /// From the begin of a flush's transaction to its commit. Above the server's own limits (5 s a statement, 1 s a
    /// lock), so that it fires only when the server does not answer at all.
    pub flush_deadline: Duration,
}

impl WriterConfig {
    pub fn new(db: DbConfig) -> Self {
        Self {
            db,
            connections: 2,
            max_queued_rows: 500_000,
            max_queued_bytes: 96 * 1024 * 1024,
            flush_rows: 10_000,
            flush_bytes: 8 * 1024 * 1024,
            segment_min_rows: SEGMENT_MIN_ROWS,
            flush_deadline: Duration::from_secs(8),
        }
    }
}

/// Why a batch was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Too much waits already, or this organisation has its share of it. Nothing was stored.
    #[error("the write queue is full")]
    Busy,
    /// PostgreSQL is away or could not do it now. Nothing was stored.
    #[error("the lines could not be written")]
    NotStored,
    /// The connection broke, or no answer came in time, while the lines were being committed: they may have been stored.
    /// Only an idempotency key makes it safe to send them again.
    #[error("it is not known whether the lines were written")]
    Unknown,
    /// The idempotency key was used before with another request. Nothing was stored now.
    #[error("the idempotency key was used before with another request")]
    KeyConflict,
    /// PostgreSQL refuses the data of this request; sending it again cannot help. Nothing was stored.
    #[error("PostgreSQL refuses the lines: {0}")]
    Refused(String),
    /// The writer accepts nothing more. Nothing was stored.
    #[error("the writer is stopping")]
    Stopping,
}

/// Takes batches; cheap to clone. All clones share one queue.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: Arc<Queue>,
    /// Ends with the connections' tasks.
    lanes: TaskTracker,
}

/// How much waits, and whether it can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterStatus {
    /// Lines that were accepted and not yet answered.
    pub queued_rows: usize,
    pub queued_bytes: usize,
}

impl Writer {
    /// Starts the writer's connections; they live until [`Writer::drain`]. Connects in the background, so that a service
    /// starts while PostgreSQL is away. Call it on the program's main runtime.
    pub fn start(config: &WriterConfig, on_commit: OnCommit) -> Self {
        let queue = Arc::new(Queue::new(config.max_queued_rows, config.max_queued_bytes));
        let size = FlushSize {
            rows: config.flush_rows,
            bytes: config.flush_bytes,
        };
        let lanes = TaskTracker::new();
        for _ in 0..config.connections {
            let lane = lane::Lane {
                db: config.db.clone(),
                deadline: config.flush_deadline,
                size,
                queue: Arc::clone(&queue),
                segment_min_rows: config.segment_min_rows,
                on_commit: Arc::clone(&on_commit),
            };
            lanes.spawn(lane.run_for_ever());
        }
        lanes.close();
        Self { queue, lanes }
    }

    /// Stores all lines of the batch or none, and answers after the commit. With an idempotency record, a request that
    /// was stored before is not stored again and gets its first answer.
    ///
    /// Once accepted, the lines are written even if this future is dropped.
    pub async fn append(
        &self,
        batch: Batch,
        record: Option<IdempotencyRecord>,
    ) -> Result<Receipt, WriteError> {
        self.append_all(batch.into(), record).await
    }

    /// The same for the lines of several scopes: one transaction has them all, and the receipt counts them all.
    pub async fn append_all(
        &self,
        mut batches: Batches,
        record: Option<IdempotencyRecord>,
    ) -> Result<Receipt, WriteError> {
        // They may wait for seconds, and are counted as large as their lines are.
        batches.shrink_to_fit();
        let record = record.map(|record| (ReceiptId::generate(), record));
        let answered = self.queue.push(batches, record)?;
        // Without an answer, the flush was lost in a bug of ours; what became of it is unknown.
        answered.await.unwrap_or(Err(WriteError::Unknown))
    }

    pub fn status(&self) -> WriterStatus {
        let (queued_rows, queued_bytes) = self.queue.depth();
        WriterStatus {
            queued_rows,
            queued_bytes,
        }
    }

    /// Accepts nothing more, writes and answers what was accepted, and closes the connections.
    pub async fn drain(&self) {
        self.queue.close();
        self.lanes.wait().await;
    }
}
