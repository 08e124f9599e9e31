//! Against the real ingest, which is killed, cut off and short of tokens; what arrived is read back over the gateway.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sightline::{Builder, Client, DropReason, Record};
use testkit::{Fixture, KeySpec, Proxy, Service, Stack, eventually};
use tracing::{error, info, info_span, subscriber};
use tracing_subscriber::prelude::*;

const SOON: Duration = Duration::from_mins(1);

struct World {
    stack: Stack,
    org: Fixture,
}

impl World {
    async fn start() -> Self {
        let stack = Stack::build()
            .only([Service::Ingest, Service::Query])
            .start()
            .await;
        let org = Fixture::org(&stack.db).await;
        Self { stack, org }
    }

    fn client(&self) -> Builder {
        client_at(&self.stack.process(Service::Ingest, 0).base(), self.org.api_key())
    }

    /// Every line of the organisation that the gateway finds, oldest first.
    async fn stored(&self) -> Vec<Value> {
        let viewer = self.stack.gateway().with_cookie(&self.org.viewer.cookie);
        let mut lines = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = viewer.get(&format!("/api/logs/query?limit=1000{cursor}")).await;
            lines.extend(page.data().as_array().unwrap().clone());
            match page.next_cursor() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        lines.reverse();
        lines
    }

    /// How often each message is stored.
    async fn stored_messages(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in self.stored().await {
            *counts
                .entry(line["message"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        counts
    }
}

fn client_at(endpoint: &str, key: &str) -> Builder {
    Client::builder(endpoint, key)
        .batch_max_age(Duration::from_millis(20))
        .backoff(Duration::from_millis(20), Duration::from_millis(200))
}

fn numbered(count: u64) -> BTreeMap<String, usize> {
    (0..count).map(|number| (format!("line {number}"), 1)).collect()
}

#[tokio::test]
async fn lines_arrive_with_their_level_fields_and_ids() {
    let world = World::start().await;
    let client = world.client().build().unwrap();
    subscriber::with_default(tracing_subscriber::registry().with(client.layer()), || {
        let _request = info_span!("request", request_id = "r-1", user = "ada").entered();
        info!("started");
        let _payment = info_span!("payment", trace_id = "4bf92f3577b34da6a3ce929d0e0e4736").entered();
        error!(order = 4711, rate = 0.1, "payment failed: \u{e4}\n\u{0}end");
    });
    client.log(Record::fatal("out of memory").field("nested", json!({"list": [1, null, "two"]})));
    client.shutdown(SOON).await.unwrap();

    let fields = ["level", "message", "meta", "trace_id", "request_id"];
    let lines: Vec<Vec<Value>> = world
        .stored()
        .await
        .iter()
        .map(|line| fields.map(|field| line[field].clone()).to_vec())
        .collect();
    let target = "sdk::delivery";
    let expected = json!([
        ["info", "started", {"target": target, "user": "ada"}, null, "r-1"],
        ["error", "payment failed: \u{e4}\n\u{fffd}end", {"target": target, "user": "ada", "order": 4711, "rate": 0.1},
            "4bf92f3577b34da6a3ce929d0e0e4736", "r-1"],
        ["fatal", "out of memory", {"nested": {"list": [1, null, "two"]}}, null, null],
    ]);
    assert_eq!(json!(lines), expected);
    let stats = client.stats();
    assert_eq!((stats.stored, stats.dropped.total()), (3, 0));
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_ingest_is_killed_again_and_again_while_lines_are_sent() {
    const ROUNDS: usize = 6;
    let world = World::start().await;
    let ingest = world.stack.process(Service::Ingest, 0);
    let client = world
        .client()
        .batch_max_lines(50)
        .batch_max_age(Duration::from_millis(2))
        .request_timeout(Duration::from_secs(5))
        // Room for a minute without ingest, should the machine be that slow.
        .queue_max_lines(1_000_000)
        .queue_max_bytes(1 << 28)
        .build()
        .unwrap();
    // A thread that logs as an application does, from its own thread and without looking at the outcome.
    let (running, logged) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let application = thread::spawn({
        let (client, running, logged) = (client.clone(), Arc::clone(&running), Arc::clone(&logged));
        move || {
            while running.load(Ordering::Relaxed) {
                let number = logged.fetch_add(1, Ordering::Relaxed);
                client.log(Record::info(format!("line {number}")));
                thread::sleep(Duration::from_micros(200));
            }
        }
    });
    for round in 1..=ROUNDS {
        let before = client.stats().stored;
        eventually(SOON, "lines to be stored", async || {
            let stored = client.stats().stored;
            // In the middle of whatever is going on, a little later each time.
            if stored > before + 40 * round as u64 {
                Ok(())
            } else {
                Err(stored)
            }
        })
        .await;
        ingest.kill();
        ingest.start().await;
    }
    running.store(false, Ordering::Relaxed);
    application.join().unwrap();
    let shutdown = client.shutdown(SOON).await;
    let (stats, logged) = (client.stats(), logged.load(Ordering::Relaxed));
    assert_eq!(shutdown, Ok(()), "{stats:?}");
    assert!(stats.retries >= ROUNDS as u64, "the kills hit nothing: {stats:?}");
    assert_eq!(
        (stats.stored, stats.held, stats.dropped.total()),
        (logged, 0, 0),
        "{stats:?}"
    );
    assert_eq!(world.stored_messages().await, numbered(logged));
}

#[tokio::test]
async fn a_batch_whose_answer_got_lost_is_stored_once() {
    let world = World::start().await;
    let (proxy, endpoint) = Proxy::in_front_of(&world.stack.process(Service::Ingest, 0).base()).await;
    let client = client_at(&endpoint, world.org.api_key())
        .request_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    proxy.lose_answers();
    for number in 0..100 {
        client.log(Record::info(format!("line {number}")));
    }
    eventually(SOON, "the lines to be stored though nobody said so", async || {
        let stored = world.stored_messages().await.len();
        if stored == 100 { Ok(()) } else { Err(stored) }
    })
    .await;
    eventually(SOON, "a retry", async || match client.stats().retries {
        0 => Err("none"),
        _ => Ok(()),
    })
    .await;
    assert_eq!(client.stats().stored, 0);
    proxy.pass();
    client.flush(SOON).await.unwrap();
    assert_eq!(client.stats().stored, 100);
    assert_eq!(world.stored_messages().await, numbered(100));
}

#[tokio::test]
async fn a_line_that_ingest_rejects_is_named_and_costs_no_other() {
    let world = World::start().await;
    let client = world.client().build().unwrap();
    client.log(Record::info("good"));
    client.log(Record::info("   "));
    client.log(Record::info("good too"));
    client.flush(SOON).await.unwrap_err();
    // Alone, it is the whole request that ingest refuses.
    client.log(Record::info(""));
    client.flush(SOON).await.unwrap_err();
    let stats = client.stats();
    assert_eq!(
        (stats.stored, stats.dropped.by(DropReason::Rejected)),
        (2, 2),
        "{stats:?}"
    );
    assert_eq!(stats.dropped.total(), 2);
    assert_eq!(stats.rejections.len(), 1);
    assert_eq!(stats.rejections[0].reason, "message must not be blank");
    assert_eq!(world.stored_messages().await.len(), 2);
}

#[tokio::test]
async fn keys_that_may_not_write_are_told_apart() {
    let world = World::start().await;
    let endpoint = world.stack.process(Service::Ingest, 0).base();
    let no_scope = KeySpec {
        scopes: vec![],
        ..KeySpec::default()
    };
    let (_, no_scope) = world.org.insert_key(&world.stack.db, &no_scope).await;
    let revoked = KeySpec {
        revoked: true,
        ..KeySpec::default()
    };
    let (_, revoked) = world.org.insert_key(&world.stack.db, &revoked).await;
    for (key, reason) in [
        ("slk_nonsense", DropReason::Unauthorized),
        (&revoked, DropReason::Unauthorized),
        (&no_scope, DropReason::Forbidden),
    ] {
        let client = client_at(&endpoint, key).build().unwrap();
        client.log(Record::info("knock"));
        let error = client.flush(SOON).await.unwrap_err();
        assert_eq!((error.pending, error.dropped), (0, 1));
        let stats = client.stats();
        assert_eq!(stats.dropped.by(reason), 1, "{stats:?}");
    }
}

/// A key that may send five lines a minute refuses eight at once for good, and the second four until the next minute.
#[tokio::test]
async fn a_key_with_a_low_limit_gets_smaller_batches_and_its_retry_after() {
    let world = World::start().await;
    let limited = KeySpec {
        rate_limit_per_minute: Some(5),
        ..KeySpec::default()
    };
    let (_, key) = world.org.insert_key(&world.stack.db, &limited).await;
    let endpoint = world.stack.process(Service::Ingest, 0).base();
    let client = client_at(&endpoint, &key).build().unwrap();
    for number in 0..8 {
        client.log(Record::info(format!("line {number}")));
    }
    eventually(SOON, "four lines to be stored, and a 429", async || {
        let stats = client.stats();
        if stats.stored == 8 || (stats.stored == 4 && stats.requests >= 3 && stats.last_error.is_some()) {
            return Ok(());
        }
        Err(format!("{stats:?}"))
    })
    .await;
    let shutdown = client.shutdown(Duration::from_secs(2)).await;
    let left = shutdown.err().map_or(0, |left| left.lines.len() as u64);
    let stats = client.stats();
    // Eight if the minute ended meanwhile.
    assert_eq!(stats.stored + left, 8, "{stats:?}");
    assert!(stats.splits >= 1, "{stats:?}");
    assert_eq!(world.stored_messages().await, numbered(stats.stored));
}
