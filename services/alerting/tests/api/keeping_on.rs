//! What becomes of channels that keep failing, of what was given up, and of what may have arrived.

use serde_json::{Value, json};
use testkit::{Answer, Receiver, eventually};

use crate::test_app::{SOON, TestApp, list, text};

async fn channel(app: &TestApp, id: &str) -> Value {
    let all = list(app.developer().get("/api/channels").await.data());
    all.into_iter().find(|channel| channel["id"] == id).unwrap()
}

#[tokio::test]
async fn a_channel_whose_receiver_is_gone_is_paused_and_another_tells_its_organisation() {
    let app = TestApp::start().await;
    let (gone, other) = (Receiver::slack().await, Receiver::slack().await);
    gone.answer_always(Answer::Status(410));
    let gone_id = app.slack("gone", &gone).await;
    app.slack("other", &other).await;
    let incident = app.open("outage").await;
    // The outage, and then the channel itself.
    other.wait_for(2, SOON).await;
    let about = other.received()[1].text();
    assert!(about.contains("Nobody is told through gone any more"), "{about}");
    let paused = channel(&app, &gone_id).await;
    assert!(text(&paused["paused_reason"]).contains("410"), "{paused}");
    // While it is paused nothing goes there, and the ledger says why.
    let second = app.open("another").await;
    other.wait_for(3, SOON).await;
    let path = format!("/api/incidents/{second}/explain");
    let explained = app.developer().get(&path).await.data();
    let held = list(explained["notifications"].clone())
        .into_iter()
        .find(|one| one["channel_name"] == "gone")
        .unwrap();
    assert_eq!(held["state"], "held");
    assert!(text(&held["because"]).contains("paused"), "{held}");
    assert_eq!(gone.received().len(), 1);
    app.resolve(&incident).await;
    // A test that arrives is the proof: what is not over is told now, and the incident about the channel resolves.
    gone.answer_always(Answer::Usual);
    let tried = app
        .developer()
        .post(&format!("/api/channels/{gone_id}/test"), json!({}))
        .await
        .data();
    assert_eq!(tried["outcome"], "sent");
    eventually(SOON, "what it missed", async || {
        let texts: Vec<String> = gone.received().iter().map(testkit::Received::text).collect();
        if texts.iter().any(|text| text.contains("another")) {
            Ok(())
        } else {
            Err(texts.join("; "))
        }
    })
    .await;
    let about = app
        .incidents()
        .await
        .into_iter()
        .find(|one| one["source"] == "channel")
        .unwrap();
    assert_eq!(about["status"], "resolved");
    assert_eq!(channel(&app, &gone_id).await["paused_at"], Value::Null);
}

#[tokio::test]
async fn ten_failures_in_a_row_pause_a_channel_once_they_have_lasted() {
    let app =
        TestApp::start_with(&[("--notify-retry-scale", "0.0001"), ("--channel-patience", "0.05")]).await;
    let (failing, other) = (Receiver::slack().await, Receiver::slack().await);
    failing.answer_always(Answer::Status(500));
    let id = app.slack("failing", &failing).await;
    app.slack("other", &other).await;
    // Nine attempts each.
    app.open("first").await;
    app.open("second").await;
    eventually(SOON, "the channel paused", async || {
        let found = channel(&app, &id).await;
        if found["paused_at"].is_null() {
            Err(found)
        } else {
            Ok(())
        }
    })
    .await;
    let sql = "SELECT count(*) FROM incidents WHERE source = 'channel'";
    assert_eq!(app.count(sql).await, 1);
    let resumed = app
        .developer()
        .post(&format!("/api/channels/{id}/resume"), json!({}))
        .await;
    assert_eq!(resumed.assert_status(200).data()["paused_at"], Value::Null);
    let sql = "SELECT count(*) FROM incidents WHERE source = 'channel' AND status = 'resolved'";
    assert_eq!(app.count(sql).await, 1);
}

#[tokio::test]
async fn what_was_given_up_is_retried_in_bulk_but_no_old_story_is_told_as_new() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    receiver.answer_always(Answer::Status(404));
    let id = app.slack("ops", &receiver).await;
    let over = app.open("over").await;
    for number in 0..3 {
        app.open(&format!("lasting {number}")).await;
    }
    app.everything_is_told().await;
    app.resolve(&over).await;
    app.everything_is_told().await;
    receiver.answer_always(Answer::Usual);
    let before = receiver.received().len();
    let retried = app
        .developer()
        .post("/api/notifications/retry", json!({"channel_id": id}))
        .await;
    assert_eq!(
        retried.assert_status(200).data(),
        json!({"retried": 4, "more": false})
    );
    app.everything_is_told().await;
    let told: Vec<String> = receiver
        .received_after(before)
        .iter()
        .map(testkit::Received::text)
        .collect();
    assert_eq!(told.len(), 4);
    assert!(
        !told.iter().any(|text| text.contains("Incident opened: over")),
        "{told:?}"
    );
    let again = app
        .developer()
        .post("/api/notifications/retry", json!({"all": true}))
        .await;
    assert_eq!(again.data()["retried"], 0, "the rest is old");
    let sql = "SELECT count(*) FROM incident_events WHERE kind = 'notification_revived'";
    assert_eq!(app.count(sql).await, 4);
}

#[tokio::test]
async fn what_may_have_arrived_is_repeated_only_where_that_is_safe_or_wanted() {
    let app = TestApp::start_with(&[("--notify-timeout", "1")]).await;
    let (once, often, hook) = (
        Receiver::slack().await,
        Receiver::slack().await,
        Receiver::standard_webhooks(None).await,
    );
    for (name, receiver, policy) in [
        ("once", &once, "at_most_once"),
        ("often", &often, "at_least_once"),
    ] {
        let config = json!({"webhook_url": receiver.url()});
        app.channel(json!({"type": "slack", "name": name, "config": config, "on_unknown": policy}))
            .await;
    }
    let id = app.webhook("hook", &hook).await;
    app.developer()
        .patch(
            &format!("/api/channels/{id}"),
            json!({"on_unknown": "at_most_once"}),
        )
        .await
        .assert_status(200);
    for receiver in [&once, &often, &hook] {
        receiver.answer_next([Answer::Reset]);
    }
    let incident = app.open("outage").await;
    app.everything_is_told().await;
    let counts = [&once, &often, &hook].map(|receiver| receiver.received().len());
    assert_eq!(counts, [1, 2, 2], "the webhook recognises its id");
    let explained = app
        .developer()
        .get(&format!("/api/incidents/{incident}/explain"))
        .await
        .data();
    let unknown = list(explained["notifications"].clone())
        .into_iter()
        .find(|one| one["state"] == "unknown")
        .unwrap();
    assert_eq!(unknown["channel_name"], "once");
    assert!(text(&unknown["because"]).contains("may have got it"), "{unknown}");
    // A person may send it again.
    let path = format!("/api/notifications/{}/retry", text(&unknown["notification_id"]));
    app.developer().post(&path, json!({})).await.assert_status(200);
    app.everything_is_told().await;
    assert_eq!(once.received().len(), 2);
}

#[tokio::test]
async fn an_attempt_that_a_crash_cut_off_is_marked_and_not_repeated_at_most_once() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    // It is never told by itself: the channel takes nothing yet.
    let config = json!({"webhook_url": receiver.url()});
    let id = app
        .channel(json!({"type": "slack", "name": "ops", "config": config, "on_unknown": "at_most_once"}))
        .await;
    let owner = app.db.owner().await;
    // As a worker leaves it that died between its request and its record, its lease over.
    let incident = app.open("before").await;
    app.everything_is_told().await;
    let sql = "
        WITH job AS (
            UPDATE notification_jobs SET state = 'claimed', lease_until = now() - interval '1 s',
                lease_token = gen_random_uuid(), settled_at = NULL
            WHERE channel_id = $1 RETURNING org_id, id, attempts)
        UPDATE notification_attempts a SET outcome = 'started', http_status = NULL, detail = ''
        FROM job WHERE a.org_id = job.org_id AND a.job_id = job.id";
    let channel: domain::ids::ChannelId = id.parse().unwrap();
    owner.execute(sql, &[&channel]).await.unwrap();
    let unknown = app.notification_becomes("unknown").await;
    assert!(text(&unknown["last_error"]).contains("at_most_once"), "{unknown}");
    assert_eq!(receiver.received().len(), 1);
    let shown = app.incident(&incident).await;
    let outcomes: Vec<String> = list(shown["notifications"][0]["attempt_history"].clone())
        .iter()
        .map(|attempt| text(&attempt["outcome"]))
        .collect();
    assert_eq!(outcomes, ["unknown", "unknown"]);
}
