//! What waits to be written: bounded by rows and bytes, shared fairly, taken in the order of arrival.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::ReceiptId;
use tokio::sync::{Notify, oneshot};

use super::{Batches, WriteError};
use crate::budget::{Budget, Reservation};
use crate::receipts::{IdempotencyRecord, Receipt};

/// One request that waits for its commit.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) batches: Arc<Batches>,
    /// The id is what the receipt gets if the key is new.
    pub(super) record: Option<(ReceiptId, IdempotencyRecord)>,
    answer: oneshot::Sender<Result<Receipt, WriteError>>,
    /// What the request takes of the queue, from its acceptance to its answer.
    _bytes: Reservation,
    _rows: Reservation,
}

impl Pending {
    /// Answers the caller, who may have gone away meanwhile.
    pub(super) fn answer(self, result: Result<Receipt, WriteError>) {
        let _ = self.answer.send(result);
    }
}

/// How much one flush takes; it always takes at least one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlushSize {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Queue {
    bytes: Budget,
    rows: Budget,
    state: Mutex<State>,
    /// Told when there is something to take, or nothing more will come.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Pending>,
    /// Connections that can write.
    connected: usize,
    /// No connection stands, and an attempt to make one has failed.
    down: bool,
    closed: bool,
}

impl Queue {
    pub(super) fn new(max_rows: usize, max_bytes: usize) -> Self {
        Self {
            bytes: Budget::new(max_bytes),
            rows: Budget::new(max_rows),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Accepts a request, or says why not at once.
    pub(super) fn push(
        &self,
        batches: Batches,
        record: Option<(ReceiptId, IdempotencyRecord)>,
    ) -> Result<oneshot::Receiver<Result<Receipt, WriteError>>, WriteError> {
        let org_id = batches.org_id();
        let reserve = |budget: &Budget, amount| budget.reserve(org_id, amount).ok_or(WriteError::Busy);
        let rows = reserve(&self.rows, batches.rows() as usize)?;
        let bytes = reserve(&self.bytes, batches.size())?;
        let (answer, answered) = oneshot::channel();
        let pending = Pending {
            batches: Arc::new(batches),
            record,
            answer,
            _bytes: bytes,
            _rows: rows,
        };
        {
            let mut state = self.state();
            if state.closed {
                return Err(WriteError::Stopping);
            }
            if state.down {
                return Err(WriteError::NotStored);
            }
            state.waiting.push_back(pending);
        }
        self.changed.notify_one();
        self.show_depth();
        Ok(answered)
    }

    /// Waits for requests and takes them; `None` when all are taken and no more will come.
    pub(super) async fn take(&self, size: FlushSize) -> Option<Vec<Pending>> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                let taken = state.take(size);
                if !state.waiting.is_empty() {
                    // Another connection may be idle.
                    self.changed.notify_one();
                }
                if !taken.is_empty() {
                    return Some(taken);
                }
                if state.closed {
                    return None;
                }
            }
            changed.await;
        }
    }

    pub(super) fn connected(&self) {
        let mut state = self.state();
        state.connected += 1;
        state.down = false;
    }

    pub(super) fn disconnected(&self) {
        self.state().connected -= 1;
    }

    /// An attempt to connect failed. If no other connection stands, nothing that waits can be written soon, so it is
    /// given back, and what comes is refused until a connection stands.
    pub(super) fn connect_failed(&self) {
        let stranded = {
            let mut state = self.state();
            if state.connected > 0 {
                return;
            }
            state.down = true;
            std::mem::take(&mut state.waiting)
        };
        for pending in stranded {
            pending.answer(Err(WriteError::NotStored));
        }
    }

    /// Accepts nothing more; what was accepted can still be taken.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_waiters();
    }

    /// Whether it is closed and everything was taken.
    pub(super) fn is_drained(&self) -> bool {
        let state = self.state();
        state.closed && state.waiting.is_empty()
    }

    /// Rows and bytes that were accepted and not yet answered.
    pub(super) fn depth(&self) -> (usize, usize) {
        (self.rows.used(), self.bytes.used())
    }

    pub(super) fn show_depth(&self) {
        let (rows, bytes) = self.depth();
        metrics::gauge!("logstore_queue_rows").set(rows as f64);
        metrics::gauge!("logstore_queue_bytes").set(bytes as f64);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that runs under the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, size: FlushSize) -> Vec<Pending> {
        let (mut rows, mut bytes, mut count) = (0, 0, 0);
        for pending in &self.waiting {
            rows += pending.batches.rows() as usize;
            bytes += pending.batches.size();
            if count > 0 && (rows > size.rows || bytes > size.bytes) {
                break;
            }
            count += 1;
        }
        self.waiting.drain(..count).collect()
    }
}
