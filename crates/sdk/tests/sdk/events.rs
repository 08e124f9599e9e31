//! What becomes of a `tracing` event.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::{debug, error, info, info_span, subscriber, trace, warn};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::fake_ingest::FakeIngest;

/// The lines that come of what the closure logs, without their times.
fn lines_of(log: impl FnOnce()) -> Vec<Value> {
    let server = FakeIngest::good();
    let client = server.client().build().unwrap();
    subscriber::with_default(tracing_subscriber::registry().with(client.layer()), log);
    client.shutdown_blocking(Duration::from_secs(20)).unwrap();
    let mut lines = server.lines();
    for line in &mut lines {
        let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(
            time.as_u64().unwrap() > 1_700_000_000_000_000,
            "microseconds since 1970"
        );
    }
    lines
}

#[test]
fn message_level_target_and_fields_have_their_places() {
    let lines = lines_of(|| {
        error!(
            order = 4711,
            amount = 12.5,
            paid = false,
            card = "visa",
            "payment of {} failed",
            "ada"
        );
        warn!("w");
        info!(target: "shop::till", "i");
        debug!("d");
        trace!("t");
    });
    assert_eq!(
        lines[0],
        json!({"level": "error", "message": "payment of ada failed", "meta":
            {"order": 4711, "amount": 12.5, "paid": false, "card": "visa", "target": "sdk::events"}})
    );
    let levels: Vec<_> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "warn", "info", "debug", "trace"]);
    assert_eq!(lines[2]["meta"]["target"], "shop::till");
}

#[test]
fn values_that_json_does_not_know_become_texts() {
    let cause = std::io::Error::other("disk on fire");
    let lines = lines_of(|| {
        info!(
            ratio = f64::NAN,
            huge = u128::MAX,
            small = 7_u128,
            debug = ?Some(1),
            display = %"shown",
            error = &cause as &dyn std::error::Error,
            r#type = "keyword",
            http.status = 200,
            "odd"
        );
    });
    assert_eq!(
        lines[0]["meta"],
        json!({"ratio": "NaN", "huge": u128::MAX.to_string(), "small": 7, "debug": "Some(1)", "display": "shown",
            "error": "disk on fire", "type": "keyword", "http.status": 200, "target": "sdk::events"})
    );
}

#[test]
fn fields_of_spans_are_added_and_the_inner_one_counts() {
    let lines = lines_of(|| {
        let outer = info_span!(
            "outer",
            user = "ada",
            step = "outer",
            late = tracing::field::Empty
        )
        .entered();
        info!("before");
        outer.record("late", 1);
        {
            let _inner = info_span!("inner", step = "inner", part = 2).entered();
            info!("within");
            info!(step = "event", "own");
        }
        info!("after");
    });
    let meta: Vec<_> = lines.iter().map(|line| line["meta"].clone()).collect();
    let target = "sdk::events";
    assert_eq!(meta[0], json!({"user": "ada", "step": "outer", "target": target}));
    assert_eq!(
        meta[1],
        json!({"user": "ada", "step": "inner", "part": 2, "late": 1, "target": target})
    );
    assert_eq!(meta[2]["step"], "event");
    assert_eq!(
        meta[3],
        json!({"user": "ada", "step": "outer", "late": 1, "target": target})
    );
}

#[test]
fn trace_and_request_ids_are_the_lines_own_from_spans_too() {
    let lines = lines_of(|| {
        let _request = info_span!("request", request_id = 17, trace_id = "outer").entered();
        let _call = info_span!("call", trace_id = "inner").entered();
        info!("in spans");
        info!(trace_id = %"event", "own");
    });
    assert_eq!(
        lines[0],
        json!({"level": "info", "message": "in spans", "trace_id": "inner", "request_id": "17",
            "meta": {"target": "sdk::events"}})
    );
    assert_eq!(lines[1]["trace_id"], "event");
}

#[test]
fn an_event_without_a_message_is_named_by_its_place_since_ingest_takes_no_blank_message() {
    let lines = lines_of(|| {
        info!(order = 1);
        info!("");
    });
    for line in lines {
        let message = line["message"].as_str().unwrap();
        assert!(
            message.starts_with("event ") && message.contains("events.rs"),
            "{message}"
        );
    }
}

#[test]
fn a_field_named_target_is_the_applications() {
    let lines = lines_of(|| info!(target = "moon", "launched"));
    assert_eq!(lines[0]["meta"], json!({"target": "moon"}));
}

#[test]
fn filters_and_second_layers_work() {
    let (first, second) = (FakeIngest::good(), FakeIngest::good());
    let (loud, quiet) = (first.client().build().unwrap(), second.client().build().unwrap());
    let layers = tracing_subscriber::registry()
        .with(loud.layer())
        .with(quiet.layer().with_filter(LevelFilter::WARN));
    subscriber::with_default(layers, || {
        let _span = info_span!("request", user = "ada").entered();
        info!("quiet");
        warn!("loud");
    });
    for client in [loud, quiet] {
        client.shutdown_blocking(Duration::from_secs(20)).unwrap();
    }
    assert_eq!(first.lines().len(), 2);
    let warned = second.lines();
    assert_eq!(warned.len(), 1);
    assert_eq!(warned[0]["message"], "loud");
    assert_eq!(first.lines()[1]["meta"]["user"], "ada");
}

/// A value whose `Debug` logs: a lock held while it is written would hang here.
#[test]
fn a_value_that_logs_while_it_is_written_hangs_nothing() {
    struct Chatty;
    impl std::fmt::Debug for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!("from within");
            f.write_str("chatty")
        }
    }
    let lines = lines_of(|| {
        let span = info_span!("span", value = tracing::field::Empty).entered();
        span.record("value", tracing::field::debug(Chatty));
        info!(own = ?Chatty, "outside");
    });
    let outside = lines.iter().find(|line| line["message"] == "outside").unwrap();
    assert_eq!(outside["meta"]["value"], "chatty");
    assert_eq!(outside["meta"]["own"], "chatty");
}
