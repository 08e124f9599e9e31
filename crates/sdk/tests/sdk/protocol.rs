//! What is sent, and what an answer leads to.

use std::collections::BTreeSet;
use std::time::Duration;

use sightline::{Client, Compression, DropReason, Record};

use crate::fake_ingest::{API_KEY, Answer, FakeIngest, Request};

const SOON: Duration = Duration::from_secs(20);

fn log(client: &Client, messages: impl IntoIterator<Item = u32>) {
    for number in messages {
        assert!(client.log(Record::info(format!("line {number}"))));
    }
}

fn keys(requests: &[Request]) -> BTreeSet<&str> {
    requests.iter().map(Request::key).collect()
}

#[rstest::rstest]
#[case(Compression::Zstd, Some("zstd"))]
#[case(Compression::Gzip, Some("gzip"))]
#[case(Compression::None, None)]
fn a_batch_is_one_request_of_ndjson_with_both_keys(
    #[case] compression: Compression,
    #[case] encoding: Option<&str>,
) {
    let server = FakeIngest::good();
    let client = server.client().compression(compression).build().unwrap();
    log(&client, 0..3);
    client.flush_blocking(SOON).unwrap();
    let requests = server.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(request.head, "POST /api/v1/logs/ingest HTTP/1.1");
    assert_eq!(request.headers["x-api-key"], API_KEY);
    assert_eq!(request.headers["content-type"], "application/x-ndjson");
    assert_eq!(
        request.headers.get("content-encoding").map(String::as_str),
        encoding
    );
    assert_eq!(request.messages(), ["line 0", "line 1", "line 2"]);
    assert!((1..=200).contains(&request.key().len()));
    let stats = client.stats();
    assert_eq!((stats.stored, stats.held, stats.dropped.total()), (3, 0, 0));
}

#[test]
fn a_batch_is_tried_again_with_the_same_key_and_bytes_whatever_the_outcome_was() {
    let server = FakeIngest::start(|number, _| match number {
        0 => Answer::Hangup,
        1 => Answer::error(503, "the connection broke while the lines were being stored"),
        2 => Answer::Other(200, "", "<html>hotel wireless</html>".to_owned()),
        3 => Answer::error(500, "internal error"),
        4 => Answer::Other(502, "", String::new()),
        _ => Answer::Stored,
    });
    let client = server.client().build().unwrap();
    log(&client, 0..3);
    client.flush_blocking(SOON).unwrap();
    log(&client, 3..4);
    client.flush_blocking(SOON).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 7);
    assert_eq!(keys(&requests[..6]).len(), 1, "one batch, one key");
    assert!(requests[..6].iter().all(|request| request.raw == requests[0].raw));
    assert_ne!(requests[6].key(), requests[0].key(), "another batch, another key");
    let stats = client.stats();
    assert_eq!((stats.stored, stats.requests, stats.retries), (4, 7, 5));
    assert_eq!(stats.dropped.total(), 0);
}

#[test]
fn a_server_that_says_nothing_is_asked_again_after_the_time_out() {
    let server = FakeIngest::start(|number, _| match number {
        0 => Answer::Silence,
        _ => Answer::Stored,
    });
    let client = server
        .client()
        .request_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    log(&client, 0..1);
    client.flush_blocking(SOON).unwrap();
    let requests = server.requests();
    assert_eq!((requests.len(), keys(&requests).len()), (2, 1));
    assert_eq!(client.stats().stored, 1);
}

#[rstest::rstest]
#[case(429)]
#[case(503)]
fn retry_after_is_waited_for_and_holds_up_every_batch(#[case] status: u16) {
    let server = FakeIngest::start(move |number, _| match number {
        0 => Answer::Other(status, "retry-after: 1", String::new()),
        _ => Answer::Stored,
    });
    let client = server.client().batch_max_lines(2).build().unwrap();
    log(&client, 0..4);
    client.flush_blocking(SOON).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    let waited = requests[1].at - requests[0].at;
    assert!(waited >= Duration::from_secs(1), "came back after {waited:?}");
    assert_eq!(requests[1].key(), requests[0].key());
    assert_eq!(client.stats().stored, 4);
}

#[rstest::rstest]
#[case(400, DropReason::BadRequest)]
#[case(401, DropReason::Unauthorized)]
#[case(403, DropReason::Forbidden)]
#[case(404, DropReason::Refused)]
#[case(307, DropReason::Refused)]
fn what_cannot_be_retried_is_dropped_by_reason_and_the_next_batch_goes_on(
    #[case] status: u16,
    #[case] reason: DropReason,
) {
    let server = FakeIngest::start(move |number, _| match number {
        0 => Answer::error(status, "no, because"),
        _ => Answer::Stored,
    });
    let client = server.client().build().unwrap();
    log(&client, 0..3);
    let error = client.flush_blocking(SOON).unwrap_err();
    assert_eq!((error.pending, error.dropped), (0, 3));
    log(&client, 3..4);
    client.flush_blocking(SOON).unwrap();
    let stats = client.stats();
    assert_eq!(
        (stats.requests, stats.stored, stats.dropped.by(reason)),
        (2, 1, 3)
    );
    assert_eq!(stats.dropped.total(), 3);
    assert_eq!(stats.last_error, Some(format!("{status}: no, because")));
}

#[test]
fn lines_that_ingest_rejects_are_counted_by_reason() {
    let server = FakeIngest::start(|_, _| {
        Answer::Rejected(vec![
            (0, "message", "must not be blank"),
            (2, "message", "must not be blank"),
            (3, "", "is not valid JSON"),
        ])
    });
    let client = server.client().build().unwrap();
    log(&client, 0..5);
    assert_eq!(client.flush_blocking(SOON).unwrap_err().dropped, 3);
    let stats = client.stats();
    assert_eq!((stats.stored, stats.dropped.by(DropReason::Rejected)), (2, 3));
    let found: Vec<_> = stats
        .rejections
        .iter()
        .map(|one| (one.reason.as_str(), one.lines))
        .collect();
    assert_eq!(
        found,
        [("message must not be blank", 2), ("is not valid JSON", 1)]
    );
}

#[test]
fn a_batch_that_is_too_large_is_halved_until_its_parts_are_not() {
    let server = FakeIngest::start(|_, request| match request.lines.len() {
        0..=3 => Answer::Stored,
        _ => Answer::error(413, "too many lines"),
    });
    let client = server.client().build().unwrap();
    log(&client, 0..10);
    client.flush_blocking(SOON).unwrap();
    let requests = server.requests();
    let stored: Vec<_> = requests
        .iter()
        .filter(|request| request.lines.len() <= 3)
        .collect();
    let found: Vec<_> = stored.iter().flat_map(|request| request.messages()).collect();
    let sent: Vec<_> = (0..10).map(|number| format!("line {number}")).collect();
    assert_eq!(found, sent, "every line once, in order");
    assert_eq!(keys(&requests).len(), requests.len(), "another body, another key");
    let stats = client.stats();
    assert_eq!((stats.stored, stats.splits, stats.retries), (10, 3, 0));
}

#[test]
fn one_line_that_is_too_large_costs_no_other() {
    let server = FakeIngest::start(|_, request| {
        if request.messages().contains(&"line 4") {
            Answer::error(413, "too large")
        } else {
            Answer::Stored
        }
    });
    let client = server.client().build().unwrap();
    log(&client, 0..9);
    assert_eq!(client.flush_blocking(SOON).unwrap_err().dropped, 1);
    let stats = client.stats();
    assert_eq!((stats.stored, stats.dropped.by(DropReason::TooLarge)), (8, 1));
}

#[test]
fn a_batch_that_the_server_fails_on_again_and_again_does_not_hold_up_the_others_for_ever() {
    let server = FakeIngest::start(|_, request| {
        if request.messages().contains(&"line 0") {
            Answer::error(500, "internal error")
        } else {
            Answer::Stored
        }
    });
    let client = server.client().batch_max_lines(2).build().unwrap();
    log(&client, 0..4);
    assert_eq!(client.flush_blocking(SOON).unwrap_err().dropped, 2);
    let stats = client.stats();
    assert_eq!((stats.stored, stats.dropped.by(DropReason::ServerError)), (2, 2));
    assert_eq!(stats.requests, 21);
}

#[test]
fn lines_that_grew_too_old_are_dropped_as_expired() {
    let server = FakeIngest::start(|_, _| Answer::error(503, "the database is away"));
    let client = server
        .client()
        .retry_max_age(Duration::from_millis(200))
        .build()
        .unwrap();
    log(&client, 0..3);
    let error = client.flush_blocking(SOON).unwrap_err();
    assert_eq!((error.pending, error.dropped), (0, 3));
    let stats = client.stats();
    assert_eq!(stats.dropped.by(DropReason::Expired), 3);
    assert!(stats.retries > 0);
}

#[test]
fn the_api_key_does_not_print() {
    let server = FakeIngest::start(|_, _| Answer::Hangup);
    let client = server
        .client()
        .retry_max_age(Duration::from_millis(50))
        .build()
        .unwrap();
    log(&client, 0..1);
    let flushed = client.flush_blocking(SOON);
    let printed = format!("{client:?} {:?} {flushed:?}", client.stats());
    assert!(client.stats().last_error.is_some());
    assert!(!printed.contains(API_KEY), "{printed}");
}
