//! The ledger and its workers, with receivers that misbehave.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Receiver, eventually};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::test_app::{SOON, TestApp, text};

#[tokio::test]
async fn a_receiver_that_fails_and_comes_back_is_told_once_with_one_id() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    receiver.answer_next([Answer::Status(500), Answer::Status(502), Answer::Status(408)]);
    app.webhook("ops", &receiver).await;
    let incident = app.open("outage").await;
    let sent = app.notification_becomes("sent").await;
    assert_eq!(sent["attempts"], 4);
    assert_eq!(sent["last_error"], Value::Null);
    let received = receiver.received();
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|one| one.id() == text(&sent["id"])));
    receiver.assert_no_faults();
    let shown = app.incident(&incident).await;
    let attempts = shown["notifications"][0]["attempt_history"].as_array().unwrap();
    let outcomes: Vec<String> = attempts
        .iter()
        .map(|attempt| format!("{} {}", text(&attempt["outcome"]), attempt["http_status"]))
        .collect();
    assert_eq!(outcomes, ["failed 500", "failed 502", "failed 408", "sent 204"]);
    assert_eq!(
        app.timeline(&incident).await,
        [
            "opened",
            "notification_enqueued",
            "notification_failed",
            "notification_failed",
            "notification_failed",
            "notification_sent"
        ]
    );
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_gets_it_in_seconds_and_as_a_date() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    let date = |seconds| {
        let at = OffsetDateTime::from(std::time::SystemTime::UNIX_EPOCH)
            + now()
            + time::Duration::seconds(seconds);
        at.format(&Rfc2822).unwrap().replace("+0000", "GMT")
    };
    receiver.answer_next([Answer::RetryAfter(429, "2".into())]);
    app.slack("ops", &receiver).await;
    app.open("outage").await;
    let received = receiver.wait_for(2, SOON).await;
    assert!(
        received[1].at - received[0].at >= time::Duration::seconds(2),
        "the schedule alone takes 50 ms"
    );
    app.notification_becomes("sent").await;
    // A date has whole seconds, so one of three seconds is at least two away.
    receiver.answer_next([Answer::RetryAfter(503, date(3))]);
    app.open("another").await;
    let received = receiver.wait_for(4, SOON).await;
    assert!(received[3].at - received[2].at >= time::Duration::milliseconds(1_500));
}

#[tokio::test]
async fn a_refusal_is_final_until_a_person_retries_it() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    receiver.answer_next([Answer::Status(404)]);
    app.slack("ops", &receiver).await;
    let incident = app.open("outage").await;
    let dead = app.notification_becomes("dead").await;
    assert_eq!(
        (&dead["attempts"], &dead["last_error"]),
        (&json!(1), &json!("the receiver answered 404 Not Found"))
    );
    let path = format!("/api/notifications/{}/retry", text(&dead["id"]));
    let revived = app
        .developer()
        .post(&path, json!({}))
        .await
        .assert_status(200)
        .data();
    assert_eq!(revived["state"], "pending");
    app.notification_becomes("sent").await;
    assert_eq!(receiver.received().len(), 2);
    app.developer()
        .post(&path, json!({}))
        .await
        .assert_error(409, "CONFLICT", "state dead");
    assert_eq!(
        app.timeline(&incident).await,
        [
            "opened",
            "notification_enqueued",
            "notification_dead",
            "notification_revived",
            "notification_sent"
        ]
    );
}

#[tokio::test]
async fn a_receiver_that_never_recovers_ends_in_a_dead_letter_that_can_be_revived_whole() {
    let app = TestApp::start_with(&[("--notify-retry-scale", "0.0001")]).await;
    let receiver = Receiver::slack().await;
    receiver.answer_always(Answer::Status(500));
    app.slack("ops", &receiver).await;
    app.open("outage").await;
    let dead = app.notification_becomes("dead").await;
    assert_eq!(dead["attempts"], 9, "one and eight retries");
    receiver.answer_next([Answer::Status(500), Answer::Status(500)]);
    receiver.answer_always(Answer::Usual);
    let path = format!("/api/notifications/{}/retry", text(&dead["id"]));
    app.developer().post(&path, json!({})).await.assert_status(200);
    let sent = app.notification_becomes("sent").await;
    assert_eq!(sent["attempts"], 12, "the schedule began anew");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_unknown_and_repeated_with_the_same_id() {
    let app = TestApp::start_with(&[("--notify-timeout", "1")]).await;
    let receiver = Receiver::standard_webhooks(None).await;
    receiver.answer_next([Answer::Silence, Answer::Reset]);
    app.webhook("ops", &receiver).await;
    let incident = app.open("outage").await;
    app.notification_becomes("sent").await;
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|one| one.id() == received[0].id()));
    let shown = app.incident(&incident).await;
    let outcomes: Vec<String> = shown["notifications"][0]["attempt_history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| text(&attempt["outcome"]))
        .collect();
    assert_eq!(outcomes, ["unknown", "unknown", "sent"]);
}

#[tokio::test]
async fn the_resolved_notice_waits_for_the_page() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    receiver.answer_next([
        Answer::Status(500),
        Answer::Late(Duration::from_secs(1), Box::new(Answer::Status(500))),
    ]);
    app.slack("ops", &receiver).await;
    let incident = app.open("outage").await;
    app.resolve(&incident).await;
    app.everything_is_told().await;
    let told: Vec<bool> = receiver
        .received()
        .iter()
        .map(|one| one.text().contains("Incident resolved"))
        .collect();
    assert_eq!(told, [false, false, false, true]);
}

#[tokio::test]
async fn a_page_that_was_overtaken_by_its_resolution_cannot_be_retried() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    receiver.answer_next([Answer::Status(404)]);
    app.slack("ops", &receiver).await;
    let incident = app.open("outage").await;
    let dead = app.notification_becomes("dead").await;
    app.resolve(&incident).await;
    app.everything_is_told().await;
    let path = format!("/api/notifications/{}/retry", text(&dead["id"]));
    app.developer()
        .post(&path, json!({}))
        .await
        .assert_error(409, "CONFLICT", "later notification");
}

#[tokio::test]
async fn a_receiver_that_hangs_keeps_nobody_elses_pages() {
    let app = TestApp::start_with(&[("--notify-timeout", "30")]).await;
    let (hanging, healthy) = (Receiver::slack().await, Receiver::slack().await);
    hanging.answer_always(Answer::Silence);
    app.slack("hanging", &hanging).await;
    app.slack("healthy", &healthy).await;
    for number in 0..20 {
        app.open(&format!("outage {number}")).await;
    }
    healthy.wait_for(20, SOON).await;
    let stuck = hanging.received().len();
    assert!(stuck <= 8, "{stuck} requests hang at once");
}

#[tokio::test]
async fn a_worker_that_died_in_the_middle_is_followed_by_another_with_the_same_id() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    let late = Box::new(Answer::Usual);
    receiver.answer_next([Answer::Late(Duration::from_secs(6), late)]);
    app.webhook("ops", &receiver).await;
    let incident = app.open("outage").await;
    receiver.wait_for(1, SOON).await;
    // The worker is as good as dead: its lease is over.
    let sql = "UPDATE notification_jobs SET lease_until = now() - interval '1 s'";
    app.db.owner().await.batch_execute(sql).await.unwrap();
    app.notification_becomes("sent").await;
    // What the first one learns afterwards changes nothing.
    eventually(SOON, "the answer to the first request", async || {
        let received = receiver.received();
        match received[0].status {
            Some(204) => Ok(()),
            status => Err(format!("{status:?}")),
        }
    })
    .await;
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].id(), received[1].id());
    assert_eq!(app.count("SELECT count(*) FROM notification_jobs").await, 1);
    let shown = app.incident(&incident).await;
    let history = shown["notifications"][0]["attempt_history"].as_array().unwrap();
    assert_eq!(
        (&history[0]["outcome"], &history[1]["outcome"]),
        (&json!("unknown"), &json!("sent"))
    );
    let kinds = app.timeline(&incident).await;
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "notification_sent").count(),
        1,
        "{kinds:?}"
    );
}

#[tokio::test]
async fn notifications_are_listed_by_state_and_incident() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    receiver.answer_next([Answer::Status(404)]);
    app.slack("ops", &receiver).await;
    let first = app.open("first").await;
    app.everything_is_told().await;
    app.open("second").await;
    app.everything_is_told().await;
    let found = async |query: &str| {
        let data = app
            .developer()
            .get(&format!("/api/notifications?{query}"))
            .await
            .data();
        data.as_array().unwrap().len()
    };
    assert_eq!(found("").await, 2);
    assert_eq!(found("state=dead").await, 1);
    assert_eq!(found("state=sent").await, 1);
    assert_eq!(found(&format!("incident_id={first}")).await, 1);
    assert_eq!(found(&format!("incident_id={first}&state=sent")).await, 0);
    let bad = app.developer().get("/api/notifications?state=lost").await;
    bad.assert_error(400, "VALIDATION_ERROR", "state");
}

#[expect(clippy::disallowed_methods, reason = "the receiver's own clock")]
fn now() -> time::Duration {
    OffsetDateTime::now_utc() - OffsetDateTime::UNIX_EPOCH
}

#[tokio::test]
async fn the_ledger_says_what_waits_and_what_was_given_up() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    app.open("one").await;
    app.open("two").await;
    app.everything_is_told().await;
    let alerting = app.db.db("sightline_alerting");
    let conn = alerting.conn("test").await.unwrap();
    let backlog = async || {
        let backlog = db::notification_jobs::backlog_all_orgs(&conn).await.unwrap();
        (backlog.waiting, backlog.dead, backlog.oldest_due_seconds.floor())
    };
    assert_eq!(backlog().await, (0, 0, 0.0));
    let sql = "UPDATE notification_jobs SET state = 'dead' WHERE id = (SELECT min(id::text)::uuid FROM notification_jobs);
        UPDATE notification_jobs SET state = 'pending', settled_at = NULL, next_attempt_at = now() + interval '1 hour'
        WHERE state = 'sent'";
    app.db.owner().await.batch_execute(sql).await.unwrap();
    assert_eq!(backlog().await, (1, 1, 0.0), "not due yet");
}
