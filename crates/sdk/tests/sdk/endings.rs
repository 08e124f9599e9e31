//! Flushes and shutdowns, with and without an async runtime.

use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use sightline::{DropReason, Record};

use crate::fake_ingest::{Answer, FakeIngest, client_of, nobody};

const SOON: Duration = Duration::from_secs(20);

/// As small as an executor can be: no runtime, no timers.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn flush_and_shutdown_work_without_any_runtime() {
    let server = FakeIngest::start(|number, _| match number {
        0 => Answer::Stored,
        _ => Answer::Silence,
    });
    let client = server
        .client()
        .batch_max_age(Duration::from_hours(1))
        .build()
        .unwrap();
    client.log(Record::info("stored"));
    block_on(client.flush(SOON)).unwrap();
    assert_eq!(client.stats().stored, 1);

    client.log(Record::info("stuck"));
    let began = Instant::now();
    let error = block_on(client.flush(Duration::from_millis(100))).unwrap_err();
    assert_eq!((error.pending, error.dropped), (1, 0));
    let left = block_on(client.shutdown(Duration::from_millis(100))).unwrap_err();
    assert_eq!(left.lines.len(), 1);
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn flush_and_shutdown_work_on_the_applications_runtime() {
    let server = FakeIngest::good();
    let client = server
        .client()
        .batch_max_age(Duration::from_hours(1))
        .build()
        .unwrap();
    client.log(Record::info("one"));
    client.flush(SOON).await.unwrap();
    client.log(Record::info("two"));
    client.shutdown(SOON).await.unwrap();
    assert_eq!(client.stats().stored, 2);
    // Again, and with nothing running any more.
    client.flush(SOON).await.unwrap();
    client.shutdown(SOON).await.unwrap();
}

/// On a runtime with one thread, which the guard blocks: the sender does not need it.
#[tokio::test]
async fn a_guard_in_async_code_flushes_and_panics_nowhere() {
    let server = FakeIngest::good();
    let client = server
        .client()
        .batch_max_age(Duration::from_hours(1))
        .build()
        .unwrap();
    let guard = client.guard(SOON);
    client.log(Record::info("the last words"));
    drop(guard);
    assert_eq!(client.stats().stored, 1);
    assert!(!client.log(Record::info("too late")));
    assert_eq!(client.stats().dropped.by(DropReason::Closed), 1);
}

#[test]
fn a_guard_hands_over_what_it_could_not_deliver() {
    let client = client_of(&nobody()).build().unwrap();
    let (sender, receiver) = mpsc::channel();
    let guard = client
        .guard(Duration::from_millis(50))
        .on_undelivered(move |left| sender.send(left).unwrap());
    client.log(Record::info("the last words"));
    drop(guard);
    let left = receiver.try_recv().unwrap();
    assert!(left.lines[0].json.contains("the last words"));
}

#[test]
fn a_shutdown_keeps_its_deadline_and_says_which_lines_may_be_stored() {
    let server = FakeIngest::start(|_, _| Answer::Silence);
    let client = server.client().batch_max_lines(2).build().unwrap();
    for number in 0..5 {
        client.log(Record::info(format!("line {number}")));
    }
    while server.requests().is_empty() {
        thread::yield_now();
    }
    let began = Instant::now();
    let left = client.shutdown_blocking(Duration::from_millis(200)).unwrap_err();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "took {:?}",
        began.elapsed()
    );
    let found: Vec<_> = left.lines.iter().map(|line| line.may_be_stored).collect();
    assert_eq!(found, [true, true, false, false, false]);
    for (number, line) in left.lines.iter().enumerate() {
        assert!(line.json.contains(&format!("line {number}")));
    }
    let stats = client.stats();
    assert_eq!((stats.held, stats.dropped.by(DropReason::Undelivered)), (0, 5));
    assert!(
        !format!("{left:?}").contains("line 0"),
        "an unwrap must not print the log"
    );
    client.shutdown_blocking(SOON).unwrap();
}

#[test]
fn lines_that_were_never_sent_are_certainly_not_stored() {
    let client = client_of(&nobody()).build().unwrap();
    client.log(Record::info("refused"));
    let left = client.shutdown_blocking(Duration::from_millis(200)).unwrap_err();
    assert!(!left.lines[0].may_be_stored);
    assert!(client.stats().requests > 0);
}

#[test]
fn a_shutdown_cuts_pauses_short() {
    let server = FakeIngest::start(|number, _| match number {
        0 => Answer::error(503, "the database is away"),
        _ => Answer::Stored,
    });
    let hour = Duration::from_hours(1);
    let client = server.client().backoff(hour, hour).build().unwrap();
    client.log(Record::info("patience"));
    while client.stats().last_error.is_none() {
        thread::yield_now();
    }
    client.shutdown_blocking(SOON).unwrap();
    assert_eq!(client.stats().stored, 1);
}

#[test]
fn a_shutdown_that_the_server_has_no_time_for_ends_early() {
    let server = FakeIngest::start(|_, _| Answer::Other(429, "retry-after: 60", String::new()));
    let client = server.client().build().unwrap();
    client.log(Record::info("too many"));
    while client.stats().last_error.is_none() {
        thread::yield_now();
    }
    let began = Instant::now();
    let left = client.shutdown_blocking(Duration::from_secs(30)).unwrap_err();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "took {:?}",
        began.elapsed()
    );
    assert!(!left.lines[0].may_be_stored);
    assert_eq!(
        server.requests().len(),
        1,
        "the server is not asked before its time"
    );
}

#[test]
fn lines_are_sent_even_if_the_last_handle_is_dropped_without_a_word() {
    let server = FakeIngest::good();
    let client = server
        .client()
        .batch_max_age(Duration::from_hours(1))
        .build()
        .unwrap();
    client.log(Record::info("orphan"));
    drop(client);
    let began = Instant::now();
    while server.lines().is_empty() {
        assert!(began.elapsed() < SOON);
        thread::yield_now();
    }
}
