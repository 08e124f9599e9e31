//! PostgreSQL fails, the broker is away, the queue is full.

use std::time::Duration;

use serde_json::json;
use testkit::{Fixture, Proxy, Reply, TestDb, eventually};
use tokio::task::JoinSet;

use crate::test_app::{INGEST, Replica, TestApp, assert_accepted, described, logs};

/// An ingest whose database is reached by way of a proxy.
async fn proxied(settings: &[(&str, &str)]) -> (Proxy, TestApp) {
    let db = TestDb::create().await;
    let org = Fixture::org(&db).await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_ingest")).await;
    let replica = Replica::start(&url, settings).await;
    let app = TestApp { db, org, replica };
    until_accepted(&app, "warm up").await;
    (proxy, app)
}

async fn until_accepted(app: &TestApp, message: &str) {
    eventually(Duration::from_secs(20), "a success", async || {
        let reply = app.sender().post(INGEST, logs(&[message])).await;
        if reply.is_success() {
            return Ok(());
        }
        assert_put_off(&reply);
        Err(described(reply))
    })
    .await;
}

#[track_caller]
fn assert_put_off(reply: &Reply) {
    reply.assert_error(503, "UNAVAILABLE", "");
    assert!(reply.header("retry-after").parse::<u32>().unwrap() >= 1);
}

#[tokio::test]
async fn without_a_database_the_answer_is_503_and_afterwards_all_is_well() {
    let (proxy, app) = proxied(&[]).await;
    proxy.cut();
    eventually(Duration::from_secs(10), "the failure to show", async || {
        let reply = app.sender().post(INGEST, logs(&["lost"])).await;
        if reply.is_success() {
            return Err(described(reply));
        }
        assert_put_off(&reply);
        Ok(())
    })
    .await;
    assert_put_off(&app.sender().post(INGEST, logs(&["lost"])).await);
    app.replica.client().get("/healthz").await.assert_status(200);
    app.replica.client().get("/readyz").await.assert_status(503);
    proxy.pass();
    until_accepted(&app, "back").await;
    app.replica.client().get("/readyz").await.assert_status(200);
    assert!(app.count("back").await >= 1);
}

#[tokio::test]
async fn it_starts_without_a_database_and_serves_when_there_is_one() {
    let db = TestDb::create().await;
    let org = Fixture::org(&db).await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_ingest")).await;
    proxy.cut();
    let app = TestApp {
        replica: Replica::start(&url, &[]).await,
        db,
        org,
    };
    assert_put_off(&app.sender().post(INGEST, logs(&["early"])).await);
    proxy.pass();
    until_accepted(&app, "served").await;
    assert_eq!(app.count("early").await, 0);
    // No line came before its day's partition.
    let owner = app.db.owner().await;
    let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'logs'::regclass";
    assert_eq!(
        owner.query_one(partitions, &[]).await.unwrap().get::<_, i64>(0),
        11
    );
    let strays = "SELECT count(*) FROM ONLY logs_default";
    assert_eq!(owner.query_one(strays, &[]).await.unwrap().get::<_, i64>(0), 0);
}

/// Senders repeat what is not acknowledged, under the same key, while connections are killed again and again.
#[tokio::test]
async fn acknowledged_lines_are_there_exactly_once_through_killed_connections() {
    let app = TestApp::start().await;
    let mut senders = JoinSet::new();
    for sender in 0..6 {
        let client = app.sender();
        senders.spawn(async move {
            let mut put_off = 0;
            for request in 0..20 {
                let name = format!("{sender}/{request:02}");
                let client = client.with_header("Idempotency-Key", &name);
                let done = async {
                    loop {
                        let reply = client.post(INGEST, logs(&[&name])).await;
                        if reply.is_success() {
                            return;
                        }
                        assert_put_off(&reply);
                        put_off += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                };
                tokio::time::timeout(Duration::from_secs(30), done)
                    .await
                    .expect("an acknowledgement");
            }
            put_off
        });
    }
    let owner = app.db.owner().await;
    let mut killed = 0;
    while killed < 15 && !senders.is_empty() {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND usename = 'sightline_ingest'";
        killed += owner.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let put_off: i32 = senders.join_all().await.into_iter().sum();
    assert!(killed >= 15 && put_off > 0, "killed {killed}, put off {put_off}");
    let found = app.messages().await;
    assert_eq!(found.len(), 120);
    assert!(found.iter().all(|(_, count)| *count == 1), "{found:?}");
    let sql =
        "SELECT (SELECT sum(count)::bigint FROM log_counts), (SELECT sum(count)::bigint FROM log_arrivals)";
    let row = owner.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (120, 120));
}

#[tokio::test]
async fn a_full_queue_is_a_503_at_once_and_leaves_room_for_others() {
    let app = TestApp::start_with(&[("--max-queued-bytes", "400000")]).await;
    make_commits_take(&app, "4 seconds").await;
    let body = logs(&["x".repeat(60_000).as_str()]);
    let mut waiting = JoinSet::new();
    for _ in 0..12 {
        let (sender, body) = (app.sender(), body.clone());
        waiting.spawn(async move { sender.post(INGEST, body).await });
    }
    let refusals = async {
        for _ in 0..9 {
            assert_put_off(&waiting.join_next().await.unwrap().unwrap());
        }
    };
    tokio::time::timeout(Duration::from_millis(3500), refusals)
        .await
        .expect("refused at once, not after a commit");
    let other = Fixture::org(&app.db).await;
    let quiet = app.replica.client().with_api_key(other.api_key());
    assert_accepted(&quiet.post(INGEST, logs(&["quiet"])).await, 1);
    for reply in waiting.join_all().await {
        assert_accepted(&reply, 1);
    }
    assert_eq!(
        app.total().await,
        4,
        "half of the queue is one organisation's share"
    );
}

async fn make_commits_take(app: &TestApp, time: &str) {
    let dawdle = format!(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN PERFORM pg_sleep_for('{time}'); RETURN NULL; END$$;
         CREATE TRIGGER dawdle AFTER INSERT ON log_arrivals EXECUTE FUNCTION dawdle();"
    );
    app.db.owner().await.batch_execute(&dawdle).await.unwrap();
}

/// It accepts connections and statements, and never answers.
#[tokio::test]
async fn a_silent_database_is_a_503_within_seconds() {
    let (proxy, app) = proxied(&[]).await;
    proxy.blackhole();
    let asked = std::time::Instant::now();
    let mut sending = JoinSet::new();
    for _ in 0..10 {
        let sender = app.sender();
        sending.spawn(async move { sender.post(INGEST, logs(&["silence"])).await });
    }
    for reply in sending.join_all().await {
        assert_put_off(&reply);
    }
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    app.replica.client().get("/healthz").await.assert_status(200);
    proxy.pass();
    until_accepted(&app, "back").await;
}

#[tokio::test]
async fn data_that_the_database_refuses_is_a_400_and_fails_nobody_else() {
    let app = TestApp::start().await;
    let owner = app.db.owner().await;
    owner
        .batch_execute("ALTER TABLE logs ADD CONSTRAINT no_poison CHECK (message <> 'poison')")
        .await
        .unwrap();
    let other = Fixture::org(&app.db).await;
    let neighbour = app.replica.client().with_api_key(other.api_key());
    let mut sending = JoinSet::new();
    for n in 0..40 {
        let (sender, message) = match n % 4 {
            0 => (app.sender(), "poison"),
            1 => (app.sender(), "good"),
            _ => (neighbour.clone(), "neighbour"),
        };
        sending.spawn(async move { (message, sender.post(INGEST, logs(&[message])).await) });
    }
    for (message, reply) in sending.join_all().await {
        if message == "poison" {
            reply.assert_error(400, "VALIDATION_ERROR", "the database refuses");
            assert!(!reply.body.to_string().contains("no_poison"), "{}", reply.body);
        } else {
            assert_accepted(&reply, 1);
        }
    }
    let expected = [("good".to_owned(), 10), ("neighbour".to_owned(), 20)];
    assert_eq!(app.messages().await, expected);
}

#[tokio::test]
async fn a_database_that_may_forget_commits_gets_no_lines() {
    let db = TestDb::create().await;
    let org = Fixture::org(&db).await;
    let name = db.name().to_owned();
    let forgetful = format!("ALTER ROLE sightline_ingest IN DATABASE {name} SET synchronous_commit = off");
    db.owner().await.batch_execute(&forgetful).await.unwrap();
    let replica = Replica::start(
        &db.url_for("sightline_ingest"),
        &[("--require-durable-postgres", "true")],
    )
    .await;
    let app = TestApp { db, org, replica };
    let reason = eventually(Duration::from_secs(10), "the reason", async || {
        let ready = app.replica.client().get("/readyz").await;
        ready.assert_status(503);
        let reason = ready.body["data"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if reason.contains("REQUIRE_DURABLE_POSTGRES") {
            Ok(reason)
        } else {
            Err(reason)
        }
    })
    .await;
    assert!(reason.contains("is off in PostgreSQL"), "{reason}");
    let reply = app.sender().post(INGEST, logs(&["a"])).await;
    reply.assert_error(503, "UNAVAILABLE", "/readyz says why");
    assert_eq!(app.total().await, 0);
    app.replica.client().get("/healthz").await.assert_status(200);
}

#[tokio::test]
async fn the_answer_to_a_batch_does_not_wait_for_the_broker_nor_does_readiness() {
    // The broker of every test here is an address where nothing listens.
    let app = TestApp::start().await;
    assert_accepted(&app.sender().post(INGEST, logs(&["a"])).await, 1);
    app.replica.client().get("/readyz").await.assert_status(200);
}

#[tokio::test]
async fn commits_are_announced_to_whoever_evaluates() {
    let broker = testkit::TestBroker::create().await;
    let amqp_url = broker.amqp_url();
    let (events, mut received) = tokio::sync::mpsc::unbounded_channel();
    let stop = tokio_util::sync::CancellationToken::new();
    let subscription = bus::subscribe_broadcast(
        &bus::BusConfig::new(&amqp_url, "test").unwrap(),
        "test",
        [domain::events::RoutingKey::LogsCounted],
        stop.clone(),
        move |broadcast| {
            let _ = events.send(broadcast);
            std::future::ready(())
        },
    );
    subscription.health().wait_connected().await;
    let app = TestApp::start_with(&[("--amqp-url", &amqp_url)]).await;
    let scope = app.org.scope();
    let expected = domain::events::Event::LogsCountedV1 {
        org_id: scope.org_id,
        service_id: scope.service_id,
        environment_id: scope.environment_id,
    };
    // Hints that come before the publisher stands are dropped, since the sweep makes them good.
    eventually(Duration::from_secs(20), "the hint", async || {
        app.sender()
            .post(INGEST, json!({"message": "a"}))
            .await
            .assert_status(200);
        match received.try_recv() {
            Ok(bus::Broadcast::Event(envelope)) if envelope.event == expected => Ok(()),
            other => Err(described(other)),
        }
    })
    .await;
    stop.cancel();
}
