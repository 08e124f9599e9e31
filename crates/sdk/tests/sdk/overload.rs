//! More than can be sent: the application goes on, and the books are right.

use std::thread;
use std::time::{Duration, Instant};

use sightline::{DropReason, Record};

use crate::fake_ingest::{Answer, FakeIngest, nobody};

#[test]
fn a_full_queue_drops_the_newest_lines_at_once_and_says_how_many() {
    let server = FakeIngest::start(|_, _| Answer::Silence);
    let client = server.client().queue_max_lines(10).build().unwrap();
    let began = Instant::now();
    let taken = (0..1_000)
        .filter(|number| client.log(Record::info(format!("line {number}"))))
        .count();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "logging waited: {:?}",
        began.elapsed()
    );
    assert_eq!(taken, 10);
    let stats = client.stats();
    assert_eq!((stats.held, stats.dropped.by(DropReason::QueueFull)), (10, 990));
    let left = client.shutdown_blocking(Duration::from_millis(100)).unwrap_err();
    assert_eq!(left.lines.len(), 10);
    assert!(left.lines[9].json.contains("line 9"), "the oldest ten are kept");
}

#[test]
fn the_queue_is_bounded_in_bytes_too() {
    let client = crate::fake_ingest::client_of(&nobody())
        .queue_max_bytes(10_000)
        .build()
        .unwrap();
    let taken = (0..100)
        .filter(|_| client.log(Record::info("x".repeat(900))))
        .count();
    assert_eq!(taken, 10);
    assert_eq!(client.stats().dropped.by(DropReason::QueueFull), 90);
    let _ = client.shutdown_blocking(Duration::ZERO);
}

#[test]
fn a_queue_that_was_full_takes_lines_again_once_the_server_is_back() {
    let server = FakeIngest::start(|number, _| match number {
        0..5 => Answer::error(503, "the database is away"),
        _ => Answer::Stored,
    });
    let client = server.client().queue_max_lines(10).build().unwrap();
    for number in 0..20 {
        client.log(Record::info(format!("line {number}")));
    }
    client.flush_blocking(Duration::from_secs(20)).unwrap();
    assert!(client.log(Record::info("one more")));
    client.flush_blocking(Duration::from_secs(20)).unwrap();
    let stats = client.stats();
    assert_eq!(stats.stored + stats.dropped.by(DropReason::QueueFull), 21);
    assert_eq!(stats.dropped.total(), stats.dropped.by(DropReason::QueueFull));
}

#[test]
fn many_threads_log_at_once_and_every_line_is_accounted_for() {
    const THREADS: usize = 8;
    const LINES: usize = 5_000;
    let server = FakeIngest::good();
    let client = server.client().queue_max_lines(2_000).build().unwrap();
    let taken: usize = thread::scope(|scope| {
        let log = |thread: usize| {
            let client = client.clone();
            move || {
                (0..LINES)
                    .filter(|line| client.log(Record::info(format!("{thread} {line}"))))
                    .count()
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(log(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    client.shutdown_blocking(Duration::from_secs(30)).unwrap();
    let stats = client.stats();
    assert_eq!(stats.stored, taken as u64);
    assert_eq!(stats.stored + stats.dropped.total(), (THREADS * LINES) as u64);
    let mut arrived: Vec<_> = server
        .lines()
        .iter()
        .map(|line| line["message"].to_string())
        .collect();
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!(arrived.len(), taken);
}
