//! Sending must not make lines to send. The only test with a subscriber for the whole process, since the sender's thread
//! sees no other; of every level, so that everything that HTTP client and runtime log is on offer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tracing::{Event, Subscriber, info};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;

use crate::fake_ingest::{Answer, FakeIngest};

/// Counts the events on the sender's thread: the test would prove nothing if there were none.
#[derive(Clone, Default)]
struct FromTheSender(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for FromTheSender {
    fn on_event(&self, _event: &Event<'_>, _context: Context<'_, S>) {
        if thread::current().name() == Some("sightline") {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn what_the_sender_logs_while_sending_is_not_sent() {
    const ROUNDS: usize = 20;
    let server = FakeIngest::start(|number, _| match number % 3 {
        0 => Answer::error(503, "the database is away"),
        1 => Answer::Hangup,
        _ => Answer::Stored,
    });
    let client = server.client().build().unwrap();
    let from_the_sender = FromTheSender::default();
    // Under `cargo test` other tests log in this process as well.
    let this_test = thread::current().id();
    let of_this_test = dynamic_filter_fn(move |_, _| {
        let thread = thread::current();
        thread.id() == this_test || thread.name() == Some("sightline")
    });
    tracing_subscriber::registry()
        .with(client.layer().with_filter(of_this_test))
        .with(from_the_sender.clone())
        .init();
    for round in 0..ROUNDS {
        info!(target: "application", round, "round");
        client.flush_blocking(Duration::from_secs(20)).unwrap();
    }
    client.shutdown_blocking(Duration::from_secs(20)).unwrap();
    let seen = from_the_sender.0.load(Ordering::Relaxed);
    assert!(seen >= ROUNDS, "only {seen} events on the sender's thread");
    let strangers: Vec<_> = server
        .lines()
        .into_iter()
        .filter(|line| line["meta"]["target"] != "application")
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}
