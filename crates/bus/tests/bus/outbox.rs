use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bus::{Consumer, ConsumerOptions, Publisher, outbox_relay};
use db::{Db, outbox};
use domain::deployment::DeploymentStatus;
use domain::events::{Envelope, Event, RoutingKey};
use domain::ids::{AlertRuleId, DeploymentId, EventId};
use lapin::types::FieldTable;
use testkit::{Fixture, Proxy, TestBroker, TestDb, eventually};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Seen, config, publisher, within};

/// A database with one organisation, and a broker with a consumer of what the tests write.
struct Bench {
    database: TestDb,
    db: Db,
    fixture: Fixture,
    broker: TestBroker,
    seen: Seen<Envelope>,
    stop: CancellationToken,
    _consumer: Consumer,
}

impl Bench {
    async fn create() -> Self {
        let (database, broker) = (TestDb::create().await, TestBroker::create().await);
        let fixture = Fixture::org(&database).await;
        let config = config(&broker.amqp_url());
        let (seen, stop) = (Seen::new(), CancellationToken::new());
        let options = ConsumerOptions::events("judge", [RoutingKey::RuleChanged]);
        let consumer = Consumer::start(
            &config,
            &publisher(&config).await,
            options,
            stop.clone(),
            seen.content(),
        );
        within(consumer.health().wait_connected()).await;
        let db = database.db("sightline_alerting");
        Self {
            database,
            db,
            fixture,
            broker,
            seen,
            stop,
            _consumer: consumer,
        }
    }

    /// Commits events together.
    async fn write(&self, events: impl IntoIterator<Item = Event>) -> Vec<EventId> {
        let mut conn = self.db.conn("test").await.unwrap();
        let tx = conn.tenant(self.fixture.org_id).await.unwrap();
        let mut ids = Vec::new();
        for event in events {
            ids.push(
                outbox::add(&tx, event, Some("req-1"), OffsetDateTime::UNIX_EPOCH)
                    .await
                    .unwrap(),
            );
        }
        tx.commit().await.unwrap();
        ids
    }

    fn rule_changed(&self) -> Event {
        Event::RuleChangedV1 {
            org_id: self.fixture.org_id,
            rule_id: AlertRuleId::generate(),
        }
    }

    fn relay(&self, publisher: &Publisher) -> (JoinHandle<()>, Arc<Notify>) {
        let wake = Arc::new(Notify::new());
        let relay = outbox_relay::run(
            self.db.clone(),
            publisher.clone(),
            self.stop.clone(),
            wake.clone(),
        );
        (tokio::spawn(relay), wake)
    }

    async fn publisher(&self) -> Publisher {
        publisher(&config(&self.broker.amqp_url())).await
    }

    async fn unpublished(&self) -> i64 {
        outbox::backlog_all_orgs(&self.db.conn("test").await.unwrap())
            .await
            .unwrap()
            .0
    }

    async fn wait_until_published(&self) {
        eventually(PATIENCE, "an empty outbox", async || {
            match self.unpublished().await {
                0 => Ok(()),
                left => Err(left),
            }
        })
        .await;
    }

    /// How often each event arrived; waits until each has.
    async fn arrivals(
        &self,
        expected: &[EventId],
        mut arrivals: HashMap<EventId, usize>,
    ) -> HashMap<EventId, usize> {
        while expected.iter().any(|id| !arrivals.contains_key(id)) {
            *arrivals.entry(self.seen.next().await.event_id).or_default() += 1;
        }
        arrivals
    }
}

#[tokio::test]
async fn in_quiet_times_each_event_is_published_exactly_once_by_however_many_relays() {
    let bench = Bench::create().await;
    let publisher = bench.publisher().await;
    let relays: Vec<_> = (0..3).map(|_| bench.relay(&publisher).0).collect();
    let mut written = Vec::new();
    for _ in 0..5 {
        written.extend(bench.write((0..60).map(|_| bench.rule_changed())).await);
    }
    let arrivals = bench.arrivals(&written, HashMap::new()).await;
    bench.wait_until_published().await;
    assert_eq!(arrivals.len(), 300);
    assert!(arrivals.values().all(|times| *times == 1));
    assert_eq!(bench.seen.rest().await, []);
    bench.stop.cancel();
    for relay in relays {
        within(relay).await.unwrap();
    }
}

#[tokio::test]
async fn the_event_arrives_with_the_ids_it_was_written_with() {
    let bench = Bench::create().await;
    let publisher = bench.publisher().await;
    let _relay = bench.relay(&publisher);
    let event = bench.rule_changed();
    let ids = bench.write([event.clone()]).await;
    let arrived = bench.seen.next().await;
    assert_eq!(
        (arrived.event_id, arrived.event, arrived.correlation_id.as_deref()),
        (ids[0], event, Some("req-1"))
    );
}

#[tokio::test]
async fn with_the_connection_cut_again_and_again_each_event_arrives_at_least_once() {
    let bench = Bench::create().await;
    let (proxy, url) = Proxy::in_front_of(&bench.broker.amqp_url()).await;
    let publisher = publisher(&config(&url).with_confirm_deadline(Duration::from_millis(500))).await;
    let (relay, wake) = bench.relay(&publisher);
    let (mut written, mut arrivals) = (Vec::new(), HashMap::new());
    for round in 0..6 {
        written.extend(bench.write((0..50).map(|_| bench.rule_changed())).await);
        wake.notify_one();
        // Cut in the middle of a batch: as soon as the first of it has arrived.
        *arrivals.entry(bench.seen.next().await.event_id).or_default() += 1;
        match round % 3 {
            0 => proxy.cut(),
            1 => proxy.lose_answers(),
            _ => proxy.blackhole(),
        }
        eventually(PATIENCE, "the loss noticed", async || {
            if publisher.connected() && bench.unpublished().await > 0 {
                Err("up")
            } else {
                Ok(())
            }
        })
        .await;
        proxy.pass();
    }
    bench.wait_until_published().await;
    let arrivals = bench.arrivals(&written, arrivals).await;
    assert_eq!(
        arrivals.len(),
        written.len(),
        "nothing arrived that was not written"
    );
    bench.stop.cancel();
    within(relay).await.unwrap();
}

#[tokio::test]
async fn a_broker_that_is_away_uses_up_no_attempts_and_the_backlog_drains_when_it_is_back() {
    let bench = Bench::create().await;
    let (proxy, url) = Proxy::in_front_of(&bench.broker.amqp_url()).await;
    proxy.cut();
    let publisher = Publisher::start(&config(&url));
    let (relay, wake) = bench.relay(&publisher);
    let written = bench.write((0..250).map(|_| bench.rule_changed())).await;
    wake.notify_one();
    proxy.pass();
    let arrivals = bench.arrivals(&written, HashMap::new()).await;
    bench.wait_until_published().await;
    assert!(arrivals.values().all(|times| *times == 1));
    let attempts = bench
        .database
        .owner()
        .await
        .query_one("SELECT max(attempts) FROM outbox", &[])
        .await
        .unwrap();
    assert_eq!(attempts.get::<_, i32>(0), 1);
    bench.stop.cancel();
    within(relay).await.unwrap();
}

#[tokio::test]
async fn an_event_that_nobody_must_take_is_done_and_one_that_somebody_must_waits() {
    let bench = Bench::create().await;
    let publisher = bench.publisher().await;
    let _relay = bench.relay(&publisher);
    let (org_id, service_id) = (bench.fixture.org_id, bench.fixture.service_id);
    let nobody = Event::IncidentChangedV1 {
        org_id,
        incident_id: domain::ids::IncidentId::generate(),
        change: "opened".into(),
    };
    let somebody = Event::DeploymentChangedV1 {
        org_id,
        deployment_id: DeploymentId::generate(),
        service_id,
        environment_id: bench.fixture.production,
        status: DeploymentStatus::InProgress,
    };
    let ids = bench.write([nobody, somebody]).await;
    let owner = bench.database.owner().await;
    eventually(PATIENCE, "one done and one tried", async || {
        let sql = "SELECT id FROM outbox WHERE published_at IS NOT NULL OR attempts > 0 ORDER BY published_at NULLS LAST";
        let rows = owner.query(sql, &[]).await.unwrap();
        if rows.len() == 2 { Ok(()) } else { Err(rows.len()) }
    })
    .await;
    eventually(PATIENCE, "the incident's event done", async || {
        let sql = "SELECT id FROM outbox WHERE published_at IS NOT NULL";
        let rows = owner.query(sql, &[]).await.unwrap();
        let done: Vec<EventId> = rows.iter().map(|row| row.get(0)).collect();
        if done == [ids[0]] { Ok(()) } else { Err(done.len()) }
    })
    .await;
    assert_eq!(bench.unpublished().await, 1);
    let events = ConsumerOptions::events("deployments", [RoutingKey::DeploymentChanged]);
    let consumer = Consumer::start(
        &config(&bench.broker.amqp_url()),
        &publisher,
        events,
        bench.stop.clone(),
        bench.seen.content(),
    );
    within(consumer.health().wait_connected()).await;
    // Its lease keeps it for half a minute; a test does not wait for that.
    owner
        .execute(
            "UPDATE outbox SET lease_until = now() WHERE published_at IS NULL",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(bench.seen.next().await.event_id, ids[1]);
    bench.wait_until_published().await;
}

#[tokio::test]
async fn an_event_of_a_newer_version_is_relayed_unread() {
    let bench = Bench::create().await;
    let publisher = bench.publisher().await;
    let inspector = crate::support::Inspector::of(&bench.broker).await;
    inspector
        .listen("tomorrow", "thing.of_tomorrow", FieldTable::default())
        .await;
    let _relay = bench.relay(&publisher);
    let owner = bench.database.owner().await;
    let envelope =
        serde_json::json!({"event_id": EventId::generate(), "event": {"type": "thing_v1", "n": 1}});
    owner
        .execute(
            "INSERT INTO outbox (org_id, id, routing_key, envelope) VALUES ($1, $2, 'thing.of_tomorrow', $3)",
            &[&bench.fixture.org_id, &EventId::generate(), &envelope],
        )
        .await
        .unwrap();
    let message = inspector.take("tomorrow").await;
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&message.data).unwrap(),
        envelope
    );
}
