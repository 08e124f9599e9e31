//! Several replicas at once: one story, one page.

use domain::events::Event;
use domain::ids::{AlertRuleId, EnvironmentId};
use domain::level::Level;
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Receiver, TestBroker, eventually};

use crate::test_app::{Replica, SOON, TestApp};
use crate::triggers::{OtherServices, logs_counted};

#[tokio::test]
async fn two_replicas_under_a_storm_of_events_open_one_incident_and_send_one_page() {
    let broker = TestBroker::create().await;
    let settings = [("--amqp-url", &*broker.amqp_url()), ("--sweep-interval", "0.1")];
    let app = TestApp::start_with(&settings).await;
    let other = Replica::start(&app.db, &settings).await;
    let others = OtherServices::connect(&broker).await;
    let receiver = Receiver::standard_webhooks(None).await;
    app.webhook("ops", &receiver).await;
    let rule = app.error_rule(json!({})).await;
    let rule: AlertRuleId = rule.parse().unwrap();
    app.errors(50).await;
    let storm = (0..40).map(|number| {
        let event = if number % 4 == 0 {
            Event::RuleChangedV1 {
                org_id: app.org.org_id,
                rule_id: rule,
            }
        } else {
            logs_counted(&app)
        };
        others.publish(event)
    });
    let sweeps = (0..4).map(|_| async {
        app.sweep().await;
        other.sweep().await;
    });
    tokio::join!(join_all(storm), join_all(sweeps));
    receiver.wait_for(1, SOON).await;
    app.pass(20).await;
    eventually(SOON, "the condition seen false", async || {
        let sql = "SELECT count(*) FROM alert_firings WHERE reason = 'clearing'";
        let clearing = app.count(sql).await;
        if clearing == 1 { Ok(()) } else { Err(clearing) }
    })
    .await;
    app.pass(11).await;
    receiver.wait_for(2, SOON).await;
    app.everything_is_told().await;
    assert_eq!(app.incidents().await.len(), 1);
    receiver.assert_no_faults();
    let told: Vec<String> = receiver
        .received()
        .iter()
        .map(|one| one.json()["type"].to_string())
        .collect();
    assert_eq!(told, ["\"incident.opened\"", "\"incident.resolved\""]);
    let sql = "SELECT count(*) FROM incident_events WHERE kind IN ('opened', 'resolved')";
    assert_eq!(app.count(sql).await, 2);
    let sql = "SELECT count(*) FROM outbox WHERE routing_key = 'incident.changed'";
    assert_eq!(app.count(sql).await, 2);
}

#[tokio::test]
async fn eight_evaluators_of_fifty_fingerprints_make_fifty_incidents() {
    let app = TestApp::start().await;
    app.each_alone().await;
    let other = Replica::start(&app.db, &[]).await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    let owner = app.db.owner().await;
    for number in 0..50 {
        let environment = EnvironmentId::generate();
        let sql = "INSERT INTO environments (org_id, id, service_id, name) VALUES ($1, $2, $3, $4)";
        let name = format!("shard {number}");
        owner
            .execute(sql, &[&app.org.org_id, &environment, &app.org.service_id, &name])
            .await
            .unwrap();
        app.arrive(environment, Level::Error, 5).await;
    }
    let wanted = json!({
        "name": "everywhere",
        "type": "error_count",
        "params": {"threshold": 5, "window_seconds": 3600},
        "severity": "low",
        "enabled": false,
    });
    let rule = app.rule(wanted).await;
    let sql = "UPDATE alert_rules SET enabled = true";
    owner.batch_execute(sql).await.unwrap();
    let one = json!({"org_id": app.org.org_id, "rule_id": rule});
    let eight_at_once = async |what: &str| -> i64 {
        let evaluators = (0..8).map(|number| {
            let replica = if number % 2 == 0 { &app.replica } else { &other };
            let (internal, one) = (replica.internal(), one.clone());
            async move { internal.post("/api/v1/rules/evaluate", one).await.data() }
        });
        let reports = join_all(evaluators).await;
        reports.iter().map(|report| report[what].as_i64().unwrap()).sum()
    };
    assert_eq!(eight_at_once("opened").await, 50);
    assert_eq!(app.count("SELECT count(*) FROM incidents").await, 50);
    assert_eq!(app.count("SELECT count(*) FROM notification_jobs").await, 50);
    receiver.wait_for(50, SOON).await;
    app.everything_is_told().await;
    assert_eq!(receiver.received().len(), 50);
    // And the end of each is told once.
    owner
        .batch_execute("UPDATE alert_rules SET enabled = false")
        .await
        .unwrap();
    assert_eq!(eight_at_once("resolved").await, 50);
    for kind in ["opened", "firing_ended", "resolved"] {
        let sql = format!("SELECT count(*) FROM incident_events WHERE kind = '{kind}'");
        assert_eq!(app.count(&sql).await, 50, "{kind}");
    }
}

#[tokio::test]
async fn a_rule_that_fires_everywhere_at_once_is_taken_in_parts() {
    let app = TestApp::start().await;
    app.each_alone().await;
    let everywhere = json!({"service_id": null, "environment_id": null, "enabled": false});
    let rule = app.error_rule(everywhere).await;
    let owner = app.db.owner().await;
    let sql = "
        WITH made AS (
            INSERT INTO environments (org_id, id, service_id, name)
            SELECT $1, gen_random_uuid(), $2, 'shard ' || n FROM generate_series(1, 450) n
            RETURNING id
        )
        INSERT INTO log_arrivals (org_id, service_id, environment_id, bucket, level, writer_id, count)
        SELECT $1, $2, id, now(), 4, 1, 5 FROM made";
    owner
        .execute(sql, &[&app.org.org_id, &app.org.service_id])
        .await
        .unwrap();
    let path = format!("/api/alerts/{rule}");
    app.developer()
        .patch(&path, json!({"enabled": true}))
        .await
        .assert_status(200);
    assert_eq!(
        app.count("SELECT count(*) FROM incidents WHERE status = 'open'")
            .await,
        450
    );
    app.developer().delete(&path).await.assert_status(204);
    assert_eq!(
        app.count("SELECT count(*) FROM incidents WHERE status <> 'resolved'")
            .await,
        0
    );
    assert_eq!(app.count("SELECT count(*) FROM alert_rules").await, 0);
}

#[tokio::test]
async fn when_the_replica_that_sweeps_stops_the_other_takes_over() {
    let app = TestApp::start_with(&[("--sweep-interval", "0.2")]).await;
    app.error_rule(json!({})).await;
    let holder = async || -> i64 {
        app.count("SELECT fence FROM leases WHERE name = 'alerting.sweep'")
            .await
    };
    eventually(SOON, "a leader", async || {
        let sql = "SELECT count(*) FROM leases WHERE name = 'alerting.sweep'";
        let leaders = app.count(sql).await;
        if leaders == 1 { Ok(()) } else { Err(leaders) }
    })
    .await;
    let first = holder().await;
    let other = Replica::start(&app.db, &[("--sweep-interval", "0.2")]).await;
    let TestApp { db, org, replica } = app;
    replica.stop().await;
    let app = TestApp {
        db,
        org,
        replica: other,
    };
    app.errors(5).await;
    eventually(SOON, "an incident", async || {
        let all = app.incidents().await;
        if all.len() == 1 {
            Ok(())
        } else {
            Err(format!("{all:?}"))
        }
    })
    .await;
    let fence = app
        .count("SELECT fence FROM leases WHERE name = 'alerting.sweep'")
        .await;
    assert!(fence > first, "a new holder has a higher fence");
}
