//! Channels: made, shown, tried out, changed, deleted.

use std::time::Duration;

use domain::role::Role;
use serde_json::{Value, json};
use testkit::{Answer, Receiver};

use crate::test_app::{Replica, TestApp, text};

#[tokio::test]
async fn a_channel_is_made_shown_tried_changed_and_deleted() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    let wanted = json!({"type": "webhook", "name": "ops", "config": {"url": receiver.url()}});
    let made = app
        .developer()
        .post("/api/channels", wanted)
        .await
        .assert_status(201)
        .data();
    let secret = text(&made["secret"]);
    assert!(secret.starts_with("whsec_"));
    receiver.set_secret(&secret);
    let id = text(&made["id"]);
    let hint = text(&made["hint"]);
    assert!(
        hint.starts_with("127.0.0.1:") && hint.ends_with("…line"),
        "{hint}"
    );
    let listed = app.as_role(Role::Viewer).get("/api/channels").await.data();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert!(listed[0].get("secret").is_none() && listed[0].get("config").is_none());

    let tried = app
        .developer()
        .post(&format!("/api/channels/{id}/test"), json!({}))
        .await
        .data();
    assert_eq!(
        (&tried["outcome"], &tried["http_status"], &tried["detail"]),
        (
            &json!("sent"),
            &json!(204),
            &json!("the receiver answered 204 No Content")
        )
    );
    receiver.assert_no_faults();
    assert_eq!(receiver.received()[0].json()["type"], "channel.test");

    let path = format!("/api/channels/{id}");
    let moved = json!({"name": "on-call", "config": {"url": format!("{}/elsewhere", receiver.url())}});
    let changed = app.developer().patch(&path, moved).await.data();
    assert_eq!(changed["name"], "on-call");
    app.developer()
        .post(&format!("{path}/test"), json!({}))
        .await
        .assert_status(200);
    receiver.assert_no_faults();
    let last = receiver.received().pop().unwrap();
    assert_eq!(
        last.path, "/hooks/sightline/elsewhere",
        "with the secret that it had"
    );

    app.developer().delete(&path).await.assert_status(204);
    app.developer().delete(&path).await.assert_status(404);
    app.developer()
        .post(&format!("{path}/test"), json!({}))
        .await
        .assert_error(404, "NOT_FOUND", "channel not found");
    assert_eq!(app.developer().get("/api/channels").await.data(), json!([]));
    let sql = "SELECT count(*) FROM audit_logs WHERE action LIKE 'channel.%'";
    assert_eq!(app.count(sql).await, 5);
}

#[tokio::test]
async fn every_type_of_channel_gets_messages_that_its_service_takes() {
    let app = TestApp::start().await;
    let (slack, discord) = (Receiver::slack().await, Receiver::discord().await);
    let hook = Receiver::standard_webhooks(None).await;
    app.slack("slack", &slack).await;
    let config = json!({"webhook_url": discord.url()});
    app.channel(json!({"type": "discord", "name": "discord", "config": config}))
        .await;
    app.webhook("hook", &hook).await;
    // What people write is hostile, everywhere.
    let title = "<!channel> @everyone *[x](https://evil.example)* `&` \u{202e}";
    let wanted = json!({"title": title, "severity": "critical", "summary": "<!here> ".repeat(1000)});
    let made = app.developer().post("/api/incidents", wanted).await;
    app.resolve(&text(&made.assert_status(201).data()["id"])).await;
    app.everything_is_told().await;
    for receiver in [&slack, &discord, &hook] {
        assert_eq!(receiver.received().len(), 2);
        receiver.assert_no_faults();
    }
    assert!(!slack.received()[0].text().contains("<!"));
    assert_eq!(
        discord.received()[0].json()["allowed_mentions"],
        json!({"parse": []})
    );
    assert_eq!(hook.received()[0].json()["data"]["incident"]["title"], title);
}

#[tokio::test]
async fn a_test_says_in_words_what_went_wrong_and_never_what_the_receiver_wrote() {
    let app = TestApp::start_with(&[("--notify-timeout", "1")]).await;
    let receiver = Receiver::slack().await;
    let id = app.slack("ops", &receiver).await;
    let try_out = async |answer| {
        receiver.answer_next([answer]);
        let tried = app
            .developer()
            .post(&format!("/api/channels/{id}/test"), json!({}))
            .await;
        let data = tried.assert_status(200).data();
        (text(&data["outcome"]), text(&data["detail"]))
    };
    let is = |outcome: &str, part: &str, (found, detail): (String, String)| {
        assert_eq!(found, outcome, "{detail}");
        assert!(detail.contains(part), "{detail:?} does not say {part:?}");
    };
    is("refused", "answered 410 Gone", try_out(Answer::Status(410)).await);
    is("failed", "answered 503", try_out(Answer::Status(503)).await);
    is("unknown", "no answer within 1 s", try_out(Answer::Silence).await);
    is("unknown", "connection was lost", try_out(Answer::Reset).await);
    is("sent", "answered 200", try_out(Answer::HangAfterHeaders).await);
    is("sent", "answered 200", try_out(Answer::Endless).await);
    let there = Receiver::slack().await;
    is(
        "refused",
        "redirects are not followed",
        try_out(Answer::Redirect(there.url())).await,
    );
    assert!(there.received().is_empty());
    drop(receiver);
    let gone = app
        .developer()
        .post(&format!("/api/channels/{id}/test"), json!({}))
        .await
        .data();
    assert_eq!(gone["outcome"], "failed");
    assert!(
        text(&gone["detail"]).contains("Connection refused"),
        "{}",
        gone["detail"]
    );
}

#[tokio::test]
async fn a_disabled_or_deleted_channel_is_told_nothing_more() {
    let app = TestApp::start().await;
    let (disabled, deleted, live) = (
        Receiver::slack().await,
        Receiver::slack().await,
        Receiver::slack().await,
    );
    let first = app.slack("disabled", &disabled).await;
    let second = app.slack("deleted", &deleted).await;
    app.slack("live", &live).await;
    app.developer()
        .patch(&format!("/api/channels/{first}"), json!({"enabled": false}))
        .await
        .assert_status(200);
    app.developer()
        .delete(&format!("/api/channels/{second}"))
        .await
        .assert_status(204);
    app.open("outage").await;
    app.everything_is_told().await;
    assert_eq!(
        (
            disabled.received().len(),
            deleted.received().len(),
            live.received().len()
        ),
        (0, 0, 1)
    );
}

#[tokio::test]
async fn what_waits_for_a_channel_that_is_deleted_meanwhile_is_given_up_with_the_reason() {
    let app = TestApp::start_with(&[("--notify-retry-scale", "1")]).await;
    let receiver = Receiver::slack().await;
    receiver.answer_always(Answer::RetryAfter(503, "1".into()));
    let id = app.slack("ops", &receiver).await;
    app.open("outage").await;
    receiver.wait_for(1, Duration::from_secs(20)).await;
    app.developer()
        .delete(&format!("/api/channels/{id}"))
        .await
        .assert_status(204);
    let dead = app.notification_becomes("dead").await;
    assert!(
        text(&dead["last_error"]).contains("disabled or deleted"),
        "{dead}"
    );
}

#[tokio::test]
async fn a_channel_whose_key_was_lost_says_so_and_can_be_entered_again() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    let id = app.webhook("ops", &receiver).await;
    let TestApp { db, org, replica } = app;
    replica.stop().await;
    let other_keys = "k2:HwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4=";
    let replica = Replica::start(&db, &[("--sealing-keys", other_keys)]).await;
    let app = TestApp { db, org, replica };
    let path = format!("/api/channels/{id}");
    app.developer()
        .post(&format!("{path}/test"), json!({}))
        .await
        .assert_error(409, "CONFLICT", "enter it again");
    app.open("outage").await;
    let dead = app.notification_becomes("dead").await;
    assert!(text(&dead["last_error"]).contains("enter it again"), "{dead}");
    let again = app
        .developer()
        .patch(&path, json!({"config": {"url": receiver.url()}}))
        .await
        .data();
    receiver.set_secret(&text(&again["secret"]));
    let retry = format!("/api/notifications/{}/retry", text(&dead["id"]));
    app.developer().post(&retry, json!({})).await.assert_status(200);
    app.notification_becomes("sent").await;
    receiver.assert_no_faults();
}

#[tokio::test]
async fn a_mistake_in_a_channel_is_named() {
    let app = TestApp::start().await;
    for (body, path) in [
        (json!({"type": "pigeon", "name": "x", "config": {}}), "type"),
        (json!({"type": "slack", "name": "", "config": {}}), "name"),
        (
            json!({"type": "slack", "name": "x", "config": {}}),
            "config.webhook_url",
        ),
        (json!({"type": "slack", "name": "x", "config": []}), "config"),
        (
            json!({"type": "slack", "name": "x", "config": {"webhook_url": "https://1.1.1.1/", "secret": "x"}}),
            "config.secret",
        ),
        (
            json!({"type": "webhook", "name": "x", "config": {"url": "https://1.1.1.1/", "secret": "short"}}),
            "config.secret",
        ),
        (
            json!({"type": "webhook", "name": "x", "config": {"url": "https://1.1.1.1/"}, "colour": 1}),
            "colour",
        ),
    ] {
        let refused = app.developer().post("/api/channels", body).await;
        refused.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(
            refused.body["error"]["details"][0]["path"], path,
            "{}",
            refused.body
        );
    }
}

#[tokio::test]
async fn a_channels_name_is_taken_once() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    let again = json!({"type": "slack", "name": "ops", "config": {"webhook_url": receiver.url()}});
    let refused = app.developer().post("/api/channels", again).await;
    refused.assert_error(409, "CONFLICT", "ops");
    assert_eq!(
        app.developer()
            .get("/api/channels")
            .await
            .data()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let none: Vec<Value> = app.notifications().await;
    assert!(none.is_empty());
}
