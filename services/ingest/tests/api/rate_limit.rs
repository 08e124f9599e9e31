//! Lines a minute: never more over all replicas, nothing refused below.

use std::time::Duration;

use domain::ids::ApiKeyId;
use serde_json::json;
use testkit::corpus::Dice;
use testkit::{Client, KeySpec, Reply, eventually};
use tokio::task::JoinSet;

use crate::test_app::{INGEST, TestApp, assert_accepted, logs};

/// A sender whose key has this limit, and the key's id.
async fn limited(app: &TestApp, per_minute: i32) -> (ApiKeyId, Client) {
    let spec = KeySpec {
        rate_limit_per_minute: Some(per_minute),
        ..KeySpec::default()
    };
    let (id, raw) = app.org.insert_key(&app.db, &spec).await;
    (id, app.replica.client().with_api_key(&raw))
}

async fn post(sender: &Client, lines: usize) -> Reply {
    sender.post(INGEST, logs(&vec!["a"; lines])).await
}

/// Waits, if need be, until enough of the database's minute is left for a test.
async fn early_in_a_minute(app: &TestApp) {
    let owner = app.db.owner().await;
    eventually(Duration::from_secs(30), "the next minute", async || {
        let sql = "SELECT extract(second FROM clock_timestamp())::double precision";
        let second: f64 = owner.query_one(sql, &[]).await.unwrap().get(0);
        if second < 35.0 { Ok(()) } else { Err(second) }
    })
    .await;
}

#[track_caller]
fn assert_limited(reply: &Reply) {
    reply.assert_error(429, "RATE_LIMITED", "lines a minute");
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn the_limit_is_exact_and_refuses_whole_requests() {
    let app = TestApp::start().await;
    early_in_a_minute(&app).await;
    let (_, sender) = limited(&app, 100).await;
    assert_accepted(&post(&sender, 60).await, 60);
    assert_limited(&post(&sender, 41).await);
    assert_accepted(&post(&sender, 40).await, 40);
    for _ in 0..3 {
        assert_limited(&post(&sender, 1).await);
    }
    assert_eq!(app.total().await, 100);
}

#[tokio::test]
async fn a_key_that_is_used_up_is_refused_before_its_body_is_read() {
    let app = TestApp::start().await;
    early_in_a_minute(&app).await;
    let (_, sender) = limited(&app, 10).await;
    assert_accepted(&post(&sender, 10).await, 10);
    assert_limited(&post(&sender, 1).await);
    // Nothing in it is looked at any more.
    assert_limited(&sender.post_bytes(INGEST, "text/plain", "rubbish").await);
}

#[tokio::test]
async fn what_is_refused_uses_nothing_up() {
    let app = TestApp::start().await;
    early_in_a_minute(&app).await;
    let (_, sender) = limited(&app, 100).await;
    let bad = json!({"logs": vec![json!({"message": ""}); 70]});
    for _ in 0..3 {
        sender.post(INGEST, bad.clone()).await.assert_status(400);
    }
    let mut mixed = vec![json!({"message": "good"}); 10];
    mixed.extend(vec![json!({"message": ""}); 60]);
    let reply = sender.post(INGEST, json!({ "logs": mixed })).await;
    assert_eq!(reply.data()["accepted"], 10);
    let keyed = sender.with_header("Idempotency-Key", "k");
    for _ in 0..5 {
        assert_eq!(post(&keyed, 20).await.data()["accepted"], 20);
    }
    keyed.post(INGEST, logs(&["other"; 30])).await.assert_status(409);
    // 10 and 20 are used.
    assert_accepted(&post(&sender, 70).await, 70);
    assert_limited(&post(&sender, 1).await);
}

#[tokio::test]
async fn a_request_above_the_whole_limit_is_told_so() {
    let app = TestApp::start().await;
    let (_, sender) = limited(&app, 100).await;
    let reply = post(&sender, 101).await;
    reply.assert_error(
        400,
        "VALIDATION_ERROR",
        "101 lines, and the API key may send 100 a minute",
    );
}

#[tokio::test]
async fn a_key_without_a_limit_has_the_installations() {
    let app = TestApp::start_with(&[("--default-rate-limit-per-minute", "5")]).await;
    early_in_a_minute(&app).await;
    assert_accepted(&post(&app.sender(), 5).await, 5);
    assert_limited(&post(&app.sender(), 1).await);
    let (_, generous) = limited(&app, 50).await;
    assert_accepted(&post(&generous, 50).await, 50);
    let unlimited = app.another(&[("--default-rate-limit-per-minute", "0")]).await;
    assert_accepted(&post(&app.sender().at(&unlimited.base), 500).await, 500);
}

/// Three replicas, requests of random sizes, some at the same time: up to nine tenths of the limit nothing is refused, and
/// the limit is never exceeded. A schedule that crosses into the next minute says nothing and is made anew.
#[tokio::test]
async fn random_schedules_over_three_replicas_never_exceed_the_limit_and_use_most_of_it() {
    let app = TestApp::start().await;
    let others = [app.another(&[]).await, app.another(&[]).await];
    let bases = [&app.replica.base, &others[0].base, &others[1].base];
    let mut dice = Dice(42);
    let mut complete = 0;
    while complete < 12 {
        let limit = 100 + dice.below(900);
        let (key, sender) = limited(&app, limit as i32).await;
        let senders = bases.map(|base| sender.at(base));
        let (mut offered, mut accepted, mut refused_early) = (0, 0, 0);
        // Half as much again as is allowed.
        while offered < limit * 3 / 2 {
            let crowd = 1 + dice.below(6);
            let mut sending = JoinSet::new();
            for _ in 0..crowd {
                let lines = 1 + dice.below(limit / 20);
                offered += lines;
                let within = offered <= limit * 9 / 10;
                let sender = senders[dice.below(3) as usize].clone();
                sending.spawn(async move { (lines, within, post(&sender, lines as usize).await) });
            }
            for (lines, within, reply) in sending.join_all().await {
                match reply.status {
                    200 => accepted += lines,
                    429 => refused_early += u64::from(within),
                    _ => panic!("{reply:?}"),
                }
            }
        }
        let sql = "SELECT count(*), max(count)::bigint FROM api_key_rate_buckets WHERE api_key_id = $1";
        let row = app.db.owner().await.query_one(sql, &[&key]).await.unwrap();
        let (minutes, leased): (i64, i64) = (row.get(0), row.get(1));
        if minutes > 1 {
            continue;
        }
        complete += 1;
        assert!(accepted <= limit, "{accepted} of {limit}");
        assert!(leased as u64 <= limit, "{leased} of {limit}");
        assert_eq!(refused_early, 0, "refused below nine tenths of {limit}");
        assert!(accepted >= limit * 9 / 10, "{accepted} of {limit}");
    }
}
