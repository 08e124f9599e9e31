//! The handle that applications hold.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::backoff::Backoff;
use crate::builder::{BuildError, Builder};
use crate::guard::Guard;
use crate::own_threads;
use crate::queue::Queue;
use crate::record::Record;
use crate::stats::Stats;
use crate::transport::Transport;
use crate::undelivered::{FlushError, Undelivered};
use crate::worker::Worker;

/// How long the sender goes on in the background after the last handle is dropped without a shutdown.
const GRACE_AFTER_DROP: Duration = Duration::from_secs(30);

/// Takes log lines and sends them in the background. Cheap to clone; all clones share one queue and one thread.
///
/// Before the process exits, call [`Client::shutdown`] or keep a [`Client::guard`] in `main`: what is still in the queue
/// then would be lost. If all clones are dropped and the process lives on, the queue is sent for up to 30 s more.
#[derive(Clone)]
pub struct Client(Arc<Handle>);

struct Handle {
    queue: Arc<Queue>,
    /// The deadline of the shutdown, once there is one.
    stop: watch::Sender<Option<Instant>>,
    /// The sender's runtime, for timers of callers that have none.
    runtime: tokio::runtime::Handle,
}

impl Client {
    /// A client of the ingest at this address (`https://ingest.example.com`, without the path of the API), with an API
    /// key that may write logs.
    pub fn builder(endpoint: impl Into<String>, api_key: impl Into<String>) -> Builder {
        Builder::new(endpoint.into(), api_key.into())
    }

    pub(crate) fn start(
        queue: Arc<Queue>,
        transport: Transport,
        backoff: Backoff,
        retry_max_age: Duration,
    ) -> Result<Self, BuildError> {
        // The runtime's helper threads resolve names; what is logged there is the client's own doing too.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("sightline-dns")
            .on_thread_start(own_threads::mark)
            .build()
            .map_err(BuildError::Thread)?;
        let stop = watch::Sender::new(None);
        let worker = Worker {
            queue: Arc::clone(&queue),
            transport,
            backoff,
            retry_max_age,
            stop: stop.subscribe(),
            hurried: false,
            warned_of: 0,
        };
        let handle = runtime.handle().clone();
        thread::Builder::new()
            .name("sightline".to_owned())
            .spawn(move || {
                own_threads::mark();
                runtime.block_on(worker.run());
                // A name that does not resolve must not hold up the exit.
                runtime.shutdown_background();
            })
            .map_err(BuildError::Thread)?;
        Ok(Self(Arc::new(Handle {
            queue,
            stop,
            runtime: handle,
        })))
    }

    /// Puts a line into the queue and returns at once. `false` if it was dropped, because the queue is full or closed, or
    /// the line too long; [`Client::stats`] counts which.
    pub fn log(&self, record: Record) -> bool {
        self.0.queue.push(record.into_json(), Instant::now())
    }

    /// What became of the lines so far.
    pub fn stats(&self) -> Stats {
        self.0.queue.stats()
    }

    /// A layer that sends what the application logs with `tracing`.
    #[cfg(feature = "tracing-layer")]
    pub fn layer(&self) -> crate::TracingLayer {
        crate::TracingLayer::new(self.clone())
    }

    /// Sends what is in the queue without waiting for company, and waits until every line that was there has met its fate,
    /// for at most this long. Works on every async runtime. Begins at once, even if the future is not polled.
    pub fn flush(&self, within: Duration) -> impl Future<Output = Result<(), FlushError>> + Send + 'static {
        let queue = Arc::clone(&self.0.queue);
        let flush = queue.flush();
        let mut progress = queue.watch();
        // On the sender's runtime, since there the timer runs. Should that be gone, there is nothing to wait for.
        let waiting = self.0.runtime.spawn(async move {
            let settled = progress.wait_for(|progress| progress.settled >= flush.to);
            let _ = timeout(within, settled).await;
        });
        async move {
            let _ = waiting.await;
            outcome(&queue, &flush)
        }
    }

    /// [`Client::flush`] for code that is not async: blocks the thread.
    pub fn flush_blocking(&self, within: Duration) -> Result<(), FlushError> {
        let queue = &self.0.queue;
        let flush = queue.flush();
        queue.block_until(within, |progress| progress.settled >= flush.to);
        outcome(queue, &flush)
    }

    /// Takes no more lines, sends what is in the queue for at most this long, and gives back what could not be delivered.
    ///
    /// Pauses between tries are cut short; a `Retry-After` of the server that is past the deadline ends the shutdown early.
    /// Of several shutdowns the earliest deadline holds, and the first to return gets the lines.
    pub async fn shutdown(&self, within: Duration) -> Result<(), Undelivered> {
        self.stop(within);
        // The sender ends by the deadline, and says so even if it panics.
        let mut progress = self.0.queue.watch();
        let _ = progress.wait_for(|progress| progress.ended).await;
        self.0.queue.undelivered()
    }

    /// [`Client::shutdown`] for code that is not async, and for `Drop`: blocks the thread.
    pub fn shutdown_blocking(&self, within: Duration) -> Result<(), Undelivered> {
        self.stop(within);
        // A moment more, for the sender to notice its deadline.
        let within = within.saturating_add(Duration::from_millis(500));
        self.0.queue.block_until(within, |progress| progress.ended);
        self.0.queue.undelivered()
    }

    /// Shuts the client down when it is dropped, for at most this long. Keep it in a variable of `main`.
    pub fn guard(&self, within: Duration) -> Guard {
        Guard::new(self.clone(), within)
    }

    fn stop(&self, within: Duration) {
        self.0.stop(within);
    }
}

impl Handle {
    fn stop(&self, within: Duration) {
        self.queue.close();
        let now = Instant::now();
        // A deadline beyond what a clock can hold is as good as a day.
        let deadline = now.checked_add(within).unwrap_or(now + Duration::from_hours(24));
        self.stop.send_if_modified(|stop| {
            let is_earlier = stop.is_none_or(|before| deadline < before);
            if is_earlier {
                *stop = Some(deadline);
            }
            is_earlier
        });
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop(GRACE_AFTER_DROP);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

fn outcome(queue: &Queue, flush: &crate::queue::Flush) -> Result<(), FlushError> {
    match queue.outcome(flush) {
        (0, 0) => Ok(()),
        (pending, dropped) => Err(FlushError { pending, dropped }),
    }
}
