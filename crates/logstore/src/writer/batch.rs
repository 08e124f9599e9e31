//! The lines of one request, by scope and column by column: parsed into on the request's own thread, and encoded by the
//! committer.

use domain::ids::OrgId;
use domain::log_record::NewLog;
use domain::scope::Scope;
use time::{Duration, OffsetDateTime};

use crate::columns::Columns;

/// Lines of one scope that are stored all or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    scope: Scope,
    retention: Duration,
    columns: Columns,
}

/// A batch that holds more than this cannot be sent: PostgreSQL takes a gigabyte at a time.
const MAX_BYTES: usize = 1 << 29;

#[derive(Debug, thiserror::Error)]
#[error("the request's lines hold more than 512 MiB")]
pub struct BatchFull;

impl Batch {
    /// `retention` is how long the scope's service keeps its lines.
    pub fn new(scope: Scope, retention: Duration) -> Self {
        Self {
            scope,
            retention,
            columns: Columns::default(),
        }
    }

    /// The lines of one scope as one batch.
    pub fn of<'a, 'b: 'a>(
        scope: Scope,
        retention: Duration,
        lines: impl IntoIterator<Item = &'a NewLog<'b>>,
    ) -> Result<Self, BatchFull> {
        let mut batch = Self::new(scope, retention);
        for line in lines {
            batch.push(line)?;
        }
        Ok(batch)
    }

    /// Adds a line. After an error the batch is as it was before.
    pub fn push(&mut self, line: &NewLog<'_>) -> Result<(), BatchFull> {
        let texts = [
            Some(&line.message),
            line.meta.as_ref(),
            line.trace_id.as_ref(),
            line.request_id.as_ref(),
        ]
        .map(|text| text.map_or(&[][..], |text| text.as_bytes()));
        let more: usize = texts.iter().map(|text| text.len()).sum();
        if self.columns.size() + more > MAX_BYTES {
            return Err(BatchFull);
        }
        let [message, meta, trace_id, request_id] = texts;
        self.columns.ts.push(micros(line.ts));
        self.columns.level.push(line.level.code() as u8);
        self.columns.message.push(message);
        self.columns.meta.push(meta);
        self.columns.trace_id.push(trace_id);
        self.columns.request_id.push(request_id);
        Ok(())
    }

    pub fn scope(&self) -> Scope {
        self.scope
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    pub(super) fn retention(&self) -> Duration {
        self.retention
    }

    /// How many lines it holds.
    pub fn rows(&self) -> u32 {
        self.columns.len() as u32
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Gives back the room for further lines: [`Batch::size`] is what it takes then.
    fn shrink_to_fit(&mut self) {
        self.columns.shrink_to_fit();
    }

    /// In bytes, as it is held in memory.
    pub fn size(&self) -> usize {
        self.columns.size()
    }
}

/// What one request brings: batches of one organisation, that are stored all or not at all.
#[derive(Clone, Debug)]
pub struct Batches {
    org_id: OrgId,
    batches: Vec<Batch>,
}

/// A request is one tenant's: it takes of that tenant's share of the queue, and its receipt is that tenant's.
#[derive(Debug, thiserror::Error)]
#[error("the batches of one request must be of one organisation")]
pub struct ForeignBatch;

impl From<Batch> for Batches {
    fn from(batch: Batch) -> Self {
        Self {
            org_id: batch.scope.org_id,
            batches: vec![batch],
        }
    }
}

impl Batches {
    /// Adds the lines of another scope, or more of one. After an error nothing was added.
    pub fn push(&mut self, batch: Batch) -> Result<(), ForeignBatch> {
        if batch.scope.org_id != self.org_id {
            return Err(ForeignBatch);
        }
        self.batches.push(batch);
        Ok(())
    }

    pub(super) fn org_id(&self) -> OrgId {
        self.org_id
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter()
    }

    pub(super) fn rows(&self) -> u32 {
        self.iter().map(Batch::rows).sum()
    }

    pub(super) fn size(&self) -> usize {
        self.iter().map(Batch::size).sum()
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.batches.iter_mut().for_each(Batch::shrink_to_fit);
    }
}

fn micros(ts: OffsetDateTime) -> i64 {
    (ts.unix_timestamp_nanos() / 1_000) as i64
}
