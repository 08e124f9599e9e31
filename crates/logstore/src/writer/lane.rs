//! One of the writer's connections: it connects, takes what waits, stores it, answers, and connects again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{DbConfig, DbError};
use domain::scope::Scope;
use rand::RngExt as _;

use super::flush::{Failure, Verdict};
use super::queue::{FlushSize, Pending, Queue};
use super::session::Session;
use super::{Batch, OnCommit, WriteError};
use crate::receipts::Receipt;

/// Between attempts to connect: doubled after each, with full jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Lane {
    pub(super) db: DbConfig,
    pub(super) deadline: Duration,
    pub(super) size: FlushSize,
    pub(super) queue: Arc<Queue>,
    pub(super) segment_min_rows: usize,
    pub(super) on_commit: OnCommit,
}

/// Why a session is left.
enum Left {
    Drained,
    Broken,
}

impl Lane {
    /// Runs until the queue is drained. A panic in here would cost half of the writer, so it is caught and the lane goes
    /// on; requests whose flush it took with it are answered as of unknown outcome.
    pub(super) async fn run_for_ever(self) {
        let lane = Arc::new(self);
        while let Err(ended) = tokio::spawn(Arc::clone(&lane).run()).await {
            if !ended.is_panic() {
                return; // the runtime is going away
            }
            tracing::error!("a log writer's task panicked; it starts again");
        }
    }

    async fn run(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        while !self.queue.is_drained() {
            match Session::open(&self.db, self.segment_min_rows).await {
                Ok(session) => {
                    pause = FIRST_PAUSE;
                    let connected = Connected::new(&self.queue);
                    let left = self.serve(session).await;
                    drop(connected);
                    match left {
                        Left::Drained => return,
                        Left::Broken => tracing::info!("a log writer's connection ended; connecting again"),
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        error = db::causes::chain(&error),
                        "a log writer could not connect"
                    );
                    self.queue.connect_failed();
                    let jitter: f64 = rand::rng().random();
                    tokio::time::sleep(pause.mul_f64(jitter)).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    async fn serve(&self, mut session: Session) -> Left {
        loop {
            let requests = tokio::select! {
                biased;
                () = session.ended() => return Left::Broken,
                requests = self.queue.take(self.size) => requests,
            };
            let Some(requests) = requests else {
                return Left::Drained;
            };
            let usable = self.flush(&mut session, requests).await;
            self.queue.show_depth();
            if !usable {
                return Left::Broken;
            }
        }
    }

    /// Stores and answers the requests; says whether the session can be used again.
    async fn flush(&self, session: &mut Session, requests: Vec<Pending>) -> bool {
        match self.store(session, &requests).await {
            Ok(verdicts) => {
                self.settle(requests, verdicts);
                true
            }
            Err(Failure::Data(_) | Failure::Contended(_)) if requests.len() > 1 => {
                self.flush_one_by_one(session, requests).await
            }
            Err(failure) => {
                let usable = failure.leaves_session_usable();
                let answer = failure.into_answer();
                for request in requests {
                    request.answer(Err(answer.clone()));
                }
                usable
            }
        }
    }

    /// One request's data was refused, and it is not known whose.
    async fn flush_one_by_one(&self, session: &mut Session, requests: Vec<Pending>) -> bool {
        let mut usable = true;
        for request in requests {
            if usable {
                usable = Box::pin(self.flush(session, vec![request])).await;
            } else {
                request.answer(Err(WriteError::NotStored));
            }
        }
        usable
    }

    async fn store(&self, session: &mut Session, requests: &[Pending]) -> Result<Vec<Verdict>, Failure> {
        let started = Instant::now();
        let result = match tokio::time::timeout(self.deadline, session.store(requests)).await {
            Ok(result) => result,
            Err(_elapsed) => {
                session.cancel();
                Err(Failure::TimedOut)
            }
        };
        let recovered = match &result {
            Err(failure) if failure.leaves_session_usable() => session.recover().await,
            _ => true,
        };
        record_flush(requests, &result, started);
        match result {
            // The answer is the same, but nothing more can be done with this session.
            Err(Failure::Data(error) | Failure::Contended(error)) if !recovered => {
                Err(Failure::NotStored(error))
            }
            result => result,
        }
    }

    fn settle(&self, requests: Vec<Pending>, verdicts: Vec<Verdict>) {
        let mut scopes: Vec<Scope> = Vec::with_capacity(requests.len());
        for (request, verdict) in requests.into_iter().zip(verdicts) {
            let result = match verdict {
                Verdict::Stored => {
                    scopes.extend(request.batches.iter().map(Batch::scope));
                    Ok(Receipt::Stored {
                        id: request.record.as_ref().map(|(id, _)| *id),
                        accepted: request.batches.rows(),
                    })
                }
                Verdict::Repeated(receipt) => Ok(receipt),
                Verdict::Conflict => Err(WriteError::KeyConflict),
                Verdict::Vanished => Err(WriteError::NotStored),
            };
            request.answer(result);
        }
        scopes.sort_unstable();
        scopes.dedup();
        if !scopes.is_empty() {
            (self.on_commit)(&scopes);
        }
    }
}

impl Failure {
    fn leaves_session_usable(&self) -> bool {
        match self {
            Self::Data(_) | Self::Contended(_) => true,
            Self::NotStored(_) | Self::Unknown(_) | Self::TimedOut => false,
        }
    }

    fn into_answer(self) -> WriteError {
        match self {
            Self::Data(error) => WriteError::Refused(refusal(&error)),
            Self::Contended(_) | Self::NotStored(_) => WriteError::NotStored,
            Self::Unknown(_) | Self::TimedOut => WriteError::Unknown,
        }
    }

    fn outcome(&self) -> &'static str {
        match self {
            Self::Data(_) => "data_refused",
            Self::Contended(_) => "contended",
            Self::NotStored(_) => "not_stored",
            Self::Unknown(_) => "unknown",
            Self::TimedOut => "timed_out",
        }
    }

    fn cause(&self) -> Option<&DbError> {
        match self {
            Self::Data(error) | Self::Contended(error) | Self::NotStored(error) | Self::Unknown(error) => {
                Some(error)
            }
            Self::TimedOut => None,
        }
    }
}

/// Which data PostgreSQL refuses, as its error code and the code's name. Its message and detail are not for callers: they
/// name our tables and repeat the line.
fn refusal(error: &DbError) -> String {
    match error {
        DbError::Postgres(error) => error.code().map_or_else(
            || "unknown".to_owned(),
            |state| format!("SQLSTATE {}", state.code()),
        ),
        other => other.to_string(),
    }
}

fn record_flush(requests: &[Pending], result: &Result<Vec<Verdict>, Failure>, started: Instant) {
    let outcome = match result {
        Ok(_) => "committed",
        Err(failure) => {
            let error = failure.cause().map(|cause| db::causes::chain(cause));
            let outcome = failure.outcome();
            let requests = requests.len();
            tracing::warn!(
                error,
                requests,
                outcome,
                "a flush of {requests} requests failed: {outcome}"
            );
            outcome
        }
    };
    let rows: u64 = requests
        .iter()
        .map(|request| u64::from(request.batches.rows()))
        .sum();
    metrics::counter!("logstore_flushes_total", "outcome" => outcome).increment(1);
    metrics::counter!("logstore_flushed_rows_total", "outcome" => outcome).increment(rows);
    metrics::histogram!("logstore_flush_rows").record(rows as f64);
    metrics::histogram!("logstore_flush_duration_seconds").record(started.elapsed().as_secs_f64());
}

/// Counts a connection for as long as it stands, also through a panic.
struct Connected<'a>(&'a Queue);

impl<'a> Connected<'a> {
    fn new(queue: &'a Queue) -> Self {
        queue.connected();
        Self(queue)
    }
}

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.disconnected();
    }
}
