//! The sender: takes batches off the queue, one at a time and in order, until each has met its fate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep_until;
use tracing::{info, warn};

use crate::answer::Verdict;
use crate::backoff::Backoff;
use crate::batch::Batch;
use crate::queue::{Next, Queue};
use crate::stats::DropReason;
use crate::transport::Transport;

/// A batch that the server fails on this often does not hold up the others any longer. With the usual pauses, minutes.
const MAX_SERVER_ERRORS: u32 = 20;
/// A batch of the largest size in 256 parts. Needed by keys with a very low limit; a server that calls everything a bad
/// request must not be asked about each line.
const MAX_HALVINGS_OF_BAD_REQUESTS: u32 = 8;

pub(crate) struct Worker {
    pub(crate) queue: Arc<Queue>,
    pub(crate) transport: Transport,
    pub(crate) backoff: Backoff,
    /// A line that is older than this at the time of the next try is given up. Every line is tried once.
    pub(crate) retry_max_age: Duration,
    /// The deadline of the shutdown, once there is one.
    pub(crate) stop: watch::Receiver<Option<Instant>>,
    /// Whether the pause in which the shutdown found it was cut short.
    pub(crate) hurried: bool,
    /// Lines dropped at the full queue that were warned of.
    pub(crate) warned_of: u64,
}

impl Worker {
    /// Until the queue is closed and empty, or the deadline of the shutdown has passed.
    pub(crate) async fn run(mut self) {
        // Also if something below panics: nobody must wait for a sender that is gone.
        let mut end = End {
            queue: Arc::clone(&self.queue),
            left: Vec::new(),
        };
        while let Some(batch) = self.next_batch().await {
            if let Err(left) = self.deliver(batch).await {
                end.left = left;
                return;
            }
        }
    }

    async fn next_batch(&self) -> Option<Batch> {
        loop {
            match self.queue.next(Instant::now()) {
                Next::Send(batch) => return Some(batch),
                Next::End => return None,
                Next::Wait(Some(until)) => tokio::select! {
                    () = self.queue.woken() => {}
                    () = sleep_until(until.into()) => {}
                },
                Next::Wait(None) => self.queue.woken().await,
            }
        }
    }

    /// `Err` when the shutdown's deadline comes first, with what is left.
    async fn deliver(&mut self, batch: Batch) -> Result<(), Vec<Batch>> {
        // The next part is the last.
        let mut parts = vec![batch];
        while let Some(mut batch) = parts.pop() {
            let verdict = if self.rest().await {
                self.try_to_send(&mut batch).await
            } else {
                None
            };
            let Some(verdict) = verdict else {
                parts.push(batch);
                parts.reverse();
                return Err(parts);
            };
            self.warn_of_full_queue();
            match verdict {
                Verdict::Answered(rejected) => {
                    self.recovered();
                    self.queue.settle(&batch, |books| {
                        let mut stored = batch.len();
                        for (reason, lines) in rejected {
                            let lines = lines.min(stored);
                            stored -= lines;
                            books.reject(reason, lines);
                        }
                        books.stored += stored;
                    });
                }
                Verdict::Refused(reason, why) => {
                    self.recovered();
                    self.drop_batch(&batch, reason, why);
                }
                Verdict::Split(reason, why) => {
                    self.recovered();
                    self.split(batch, reason, why, &mut parts);
                }
                Verdict::Retry {
                    after,
                    may_be_stored,
                    server_error,
                    why,
                } => {
                    batch.may_be_stored |= may_be_stored;
                    batch.server_errors += u32::from(server_error);
                    let resume_at = self.failed(after, &why);
                    let is_too_old = batch
                        .since()
                        .is_some_and(|since| resume_at.saturating_duration_since(since) > self.retry_max_age);
                    if batch.server_errors >= MAX_SERVER_ERRORS {
                        self.drop_batch(&batch, DropReason::ServerError, why);
                    } else if is_too_old {
                        self.drop_batch(&batch, DropReason::Expired, why);
                    } else {
                        parts.push(batch);
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits until a request may be made; `false` if that is too late for the shutdown.
    async fn rest(&mut self) -> bool {
        loop {
            let deadline = *self.stop.borrow_and_update();
            if deadline.is_some() && !self.hurried {
                self.hurried = true;
                self.backoff.hurry();
            }
            let resume_at = self.backoff.resume_at();
            let next_try = resume_at.unwrap_or_else(Instant::now);
            if deadline.is_some_and(|deadline| next_try >= deadline) {
                return false;
            }
            if resume_at.is_none() {
                return true;
            }
            tokio::select! {
                () = sleep_until(next_try.into()) => self.backoff.rested(),
                () = changed(&mut self.stop) => {}
            }
        }
    }

    /// `None` if the shutdown's deadline cut it off.
    async fn try_to_send(&mut self, batch: &mut Batch) -> Option<Verdict> {
        let is_repeat = batch.tries > 0;
        batch.tries += 1;
        self.queue.count(|books| {
            books.requests += 1;
            books.retries += u64::from(is_repeat);
        });
        tokio::select! {
            verdict = self.transport.send(batch) => return Some(verdict),
            () = deadline_of(&mut self.stop) => {}
        }
        batch.may_be_stored = true;
        None
    }

    fn split(&mut self, batch: Batch, reason: DropReason, why: String, parts: &mut Vec<Batch>) {
        if reason == DropReason::BadRequest && batch.halvings >= MAX_HALVINGS_OF_BAD_REQUESTS {
            return self.drop_batch(&batch, reason, why);
        }
        match batch.split() {
            Ok((first, second)) => {
                self.queue.count(|books| books.splits += 1);
                parts.push(second);
                parts.push(first);
            }
            Err(single) => self.drop_batch(&single, reason, why),
        }
    }

    fn drop_batch(&self, batch: &Batch, reason: DropReason, why: String) {
        let lines = batch.len();
        warn!(target: "sightline", lines, %reason, "dropped {lines} log lines: {why}");
        self.queue.settle(batch, |books| {
            books.dropped.add(reason, lines);
            books.last_error = Some(why);
        });
    }

    fn failed(&mut self, retry_after: Option<Duration>, why: &str) -> Instant {
        if self.backoff.failures() == 0 {
            warn!(target: "sightline", "log lines cannot be delivered, and will be tried again: {why}");
        }
        self.queue.count(|books| books.last_error = Some(why.to_owned()));
        let stopping = self.stop.borrow().is_some();
        let dice = rand::random::<f64>();
        self.backoff.failed(Instant::now(), retry_after, stopping, dice)
    }

    /// The server has given a definite answer.
    fn recovered(&mut self) {
        if self.backoff.failures() > 0 {
            info!(target: "sightline", "the log server answers again");
        }
        self.backoff.succeeded();
    }

    /// Lines are dropped on the application's threads, where a warning would be one more line for the full queue.
    fn warn_of_full_queue(&mut self) {
        let dropped = self.queue.dropped(DropReason::QueueFull);
        let lines = dropped - self.warned_of;
        if lines > 0 {
            warn!(target: "sightline", lines, "dropped {lines} log lines: the queue was full");
        }
        self.warned_of = dropped;
    }
}

/// Marks the end of the sender.
struct End {
    queue: Arc<Queue>,
    left: Vec<Batch>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.queue.end(std::mem::take(&mut self.left));
    }
}

async fn changed(stop: &mut watch::Receiver<Option<Instant>>) {
    if stop.changed().await.is_err() {
        // Every handle is gone, and the last one has set the deadline.
        std::future::pending::<()>().await;
    }
}

/// Until the deadline of the shutdown, which may come yet, or move.
async fn deadline_of(stop: &mut watch::Receiver<Option<Instant>>) {
    loop {
        let deadline = *stop.borrow_and_update();
        match deadline {
            Some(deadline) => tokio::select! {
                () = sleep_until(deadline.into()) => return,
                () = changed(stop) => {}
            },
            None => changed(stop).await,
        }
    }
}
