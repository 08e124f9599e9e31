//! Who may send.

use std::time::{Duration, Instant};

use domain::api_key::{self, KeyScope};
use domain::events::{Envelope, Event};
use domain::ids::EventId;
use testkit::{Client, KeySpec, TestBroker, TestDb, eventually};
use time::OffsetDateTime;

use crate::test_app::{INGEST, TestApp, assert_accepted, described, logs};

async fn with_key(app: &TestApp, spec: KeySpec) -> Client {
    let (_, raw) = app.org.insert_key(&app.db, &spec).await;
    app.replica.client().with_api_key(&raw)
}

async fn revoke(db: &TestDb, raw: &str) {
    let hash = domain::token::TokenHash::of(raw);
    let sql = "UPDATE api_keys SET revoked_at = now() WHERE key_hash = $1";
    db.owner().await.execute(sql, &[&hash.as_bytes()]).await.unwrap();
}

#[tokio::test]
async fn each_reason_to_refuse_a_key_has_its_own_message() {
    let app = TestApp::start().await;
    let nobody = app.replica.client();
    let unknown = api_key::mint(|| 7);
    let expired = KeySpec {
        expires_in: Some(time::Duration::seconds(-1)),
        ..KeySpec::default()
    };
    let revoked = KeySpec {
        revoked: true,
        ..KeySpec::default()
    };
    let other_scope = KeySpec {
        scopes: vec![KeyScope::DeploymentsWrite],
        ..KeySpec::default()
    };
    let cases = [
        (
            nobody.clone(),
            401,
            "UNAUTHORIZED",
            "X-API-Key or Authorization: Bearer",
        ),
        (nobody.with_api_key("slk_short"), 401, "UNAUTHORIZED", "malformed"),
        (nobody.with_bearer("not a key"), 401, "UNAUTHORIZED", "malformed"),
        (nobody.with_api_key(&unknown), 401, "UNAUTHORIZED", "unknown"),
        (with_key(&app, expired).await, 401, "UNAUTHORIZED", "expired"),
        (with_key(&app, revoked).await, 401, "UNAUTHORIZED", "revoked"),
        (with_key(&app, other_scope).await, 403, "FORBIDDEN", "logs:write"),
    ];
    for (client, status, code, message) in cases {
        client
            .post(INGEST, logs(&["a"]))
            .await
            .assert_error(status, code, message);
    }
    assert_eq!(app.total().await, 0);
}

#[tokio::test]
async fn a_key_may_come_in_either_header() {
    let app = TestApp::start().await;
    let nobody = app.replica.client();
    let key = app.org.api_key();
    assert_accepted(&nobody.with_api_key(key).post(INGEST, logs(&["a"])).await, 1);
    assert_accepted(&nobody.with_bearer(key).post(INGEST, logs(&["a"])).await, 1);
}

#[tokio::test]
async fn who_sends_is_decided_before_what_is_sent_is_read() {
    let app = TestApp::start().await;
    let reply = app
        .replica
        .client()
        .post_bytes(INGEST, "text/plain", "rubbish")
        .await;
    reply.assert_error(401, "UNAUTHORIZED", "no API key");
}

/// Without a broker: what was looked up is forgotten in time.
#[tokio::test]
async fn a_revoked_key_is_refused_within_a_second_everywhere() {
    let app = TestApp::start().await;
    let other = app.another(&[]).await;
    let senders = [app.sender(), app.sender().at(&other.base)];
    for sender in &senders {
        assert_accepted(&sender.post(INGEST, logs(&["before"])).await, 1);
    }
    revoke(&app.db, app.org.api_key()).await;
    let revoked = Instant::now();
    for sender in &senders {
        loop {
            let asked = revoked.elapsed();
            if !sender.post(INGEST, logs(&["race"])).await.is_success() {
                break;
            }
            assert!(asked < Duration::from_secs(1), "still accepted after {asked:?}");
        }
        let refused = sender.post(INGEST, logs(&["after"])).await;
        refused.assert_error(401, "UNAUTHORIZED", "revoked");
    }
    assert_eq!(app.count("after").await, 0);
}

#[tokio::test]
async fn a_revocation_that_the_bus_announces_counts_at_once() {
    let broker = TestBroker::create().await;
    let amqp_url = broker.amqp_url();
    let app = TestApp::start_with(&[("--amqp-url", &amqp_url)]).await;
    eventually(Duration::from_secs(20), "ingest to listen", async || {
        let queues = broker.queue_names().await;
        if queues.is_empty() {
            Err(described(queues))
        } else {
            Ok(())
        }
    })
    .await;
    let publisher = bus::Publisher::start(&bus::BusConfig::new(&amqp_url, "test").unwrap());
    publisher.health().wait_connected().await;
    let revoked = |api_key_id| Envelope {
        event_id: EventId::generate(),
        occurred_at: OffsetDateTime::UNIX_EPOCH,
        correlation_id: None,
        event: Event::KeyRevokedV1 {
            org_id: app.org.org_id,
            api_key_id,
        },
    };
    eventually(
        Duration::from_secs(20),
        "an announcement that is quicker than forgetting",
        async || {
            let (id, raw) = app.org.insert_key(&app.db, &KeySpec::default()).await;
            let sender = app.replica.client().with_api_key(&raw);
            // The key is remembered from here on, for 800 ms.
            let remembered = Instant::now();
            sender.post(INGEST, logs(&["live"])).await.assert_status(200);
            revoke(&app.db, &raw).await;
            publisher.publish(&revoked(id)).await.map_err(described)?;
            while remembered.elapsed() < Duration::from_millis(600) {
                let asked = remembered.elapsed();
                let status = sender.post(INGEST, logs(&["race"])).await.status;
                if status == 401 && asked < Duration::from_millis(600) {
                    return Ok(());
                }
            }
            Err("still accepted".to_owned())
        },
    )
    .await;
}

#[tokio::test]
async fn the_use_of_a_key_is_noted() {
    let app = TestApp::start().await;
    app.sender().post(INGEST, logs(&["a"])).await.assert_status(200);
    eventually(Duration::from_secs(10), "last_used_at", async || {
        let sql = "SELECT count(*) FROM api_keys WHERE last_used_at > now() - interval '1 minute'";
        match app
            .db
            .owner()
            .await
            .query_one(sql, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
        {
            1 => Ok(()),
            other => Err(other),
        }
    })
    .await;
}

#[tokio::test]
async fn lines_go_where_the_key_belongs_and_nowhere_else() {
    let app = TestApp::start().await;
    let other = testkit::Fixture::org(&app.db).await;
    let staging = KeySpec {
        environment_id: Some(app.org.staging),
        ..KeySpec::default()
    };
    let body = serde_json::json!({"message": "mine", "org_id": other.org_id, "service_id": other.service_id,
        "environment_id": other.production});
    with_key(&app, staging)
        .await
        .post(INGEST, body)
        .await
        .assert_status(200);
    let sql = "SELECT org_id, environment_id FROM logs";
    let row = app.db.owner().await.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), (app.org.org_id, app.org.staging));
}
