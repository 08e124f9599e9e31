//! Every kind of channel, with receivers that check what they get as the real services do.

use serde_json::{Value, json};
use testkit::{Answer, MailServer, Receiver};

use crate::test_app::{TestApp, text};

const PAGERDUTY_KEY: &str = "0123456789abcdef0123456789abcdef";

async fn acknowledge(app: &TestApp, incident: &str) {
    let path = format!("/api/incidents/{incident}");
    let changed = app
        .developer()
        .patch(&path, json!({"status": "acknowledged"}))
        .await;
    changed.assert_status(200);
}

#[tokio::test]
async fn every_kind_of_receiver_takes_what_it_gets_whatever_people_write() {
    let app = TestApp::start().await;
    let receivers = [
        ("teams", Receiver::teams().await),
        ("pagerduty", Receiver::pagerduty().await),
        ("opsgenie", Receiver::opsgenie().await),
        ("telegram", Receiver::telegram().await),
        ("ntfy", Receiver::ntfy().await),
        ("slack_bot", Receiver::slack_api().await),
    ];
    for (kind, receiver) in &receivers {
        let url = receiver.url();
        let config = match *kind {
            "teams" => json!({"webhook_url": url}),
            "pagerduty" => json!({"routing_key": PAGERDUTY_KEY, "api_url": url}),
            "opsgenie" => json!({"api_key": "12345678-abcd", "api_url": url}),
            "telegram" => json!({"bot_token": "123456:ABCDEFGH", "chat_id": "-100123", "api_url": url}),
            "ntfy" => json!({"topic": "ops", "server_url": url}),
            _ => json!({"token": "xoxb-12345678", "channel": "C0123456789", "api_url": url}),
        };
        let id = app
            .channel(json!({"type": kind, "name": kind, "config": config}))
            .await;
        let tried = app
            .developer()
            .post(&format!("/api/channels/{id}/test"), json!({}))
            .await
            .data();
        assert_eq!(tried["outcome"], "sent", "{kind}: {tried}");
        receiver.assert_no_faults();
    }
    let title = "<!channel> @everyone *[x](https://evil.example)* `&` \u{202e}";
    let wanted = json!({"title": title, "severity": "critical", "summary": "<!here> \u{1F525}".repeat(900)});
    let incident = text(
        &app.developer()
            .post("/api/incidents", wanted)
            .await
            .assert_status(201)
            .data()["id"],
    );
    app.everything_is_told().await;
    acknowledge(&app, &incident).await;
    app.everything_is_told().await;
    app.resolve(&incident).await;
    app.everything_is_told().await;
    for (kind, receiver) in &receivers {
        receiver.assert_no_faults();
        // A test, the beginning and the end; and what keeps a state hears that somebody looks after it. A Slack app edits
        // its message and answers it each time.
        let expected = match *kind {
            "pagerduty" | "opsgenie" => 4,
            "slack_bot" => 6,
            _ => 3,
        };
        assert_eq!(receiver.received().len(), expected, "{kind}");
    }
    let (_, pagerduty) = &receivers[1];
    let actions: Vec<Value> = pagerduty.received()[1..]
        .iter()
        .map(|one| one.json()["event_action"].clone())
        .collect();
    assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
    assert!(
        pagerduty.received()[1..]
            .iter()
            .all(|one| one.json()["dedup_key"] == incident.as_str())
    );
    let (_, bot) = &receivers[5];
    let calls: Vec<String> = bot.received()[1..].iter().map(|one| one.path.clone()).collect();
    let (post, update) = ("/api/chat.postMessage", "/api/chat.update");
    assert_eq!(calls, [post, update, post, update, post]);
    let (posted, updated) = (bot.received()[1].json(), bot.received()[4].json());
    assert!(posted.get("thread_ts").is_none());
    assert_eq!(updated["ts"], bot.received()[5].json()["thread_ts"]);
    let (_, telegram) = &receivers[3];
    assert_eq!(telegram.received()[2].json()["reply_parameters"]["message_id"], 2);
}

#[tokio::test]
async fn a_slack_app_that_may_not_post_says_so_and_one_that_is_limited_tries_again() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack_api().await;
    let config = json!({"token": "xoxb-12345678", "channel": "G0123456789", "api_url": receiver.url()});
    app.channel(json!({"type": "slack_bot", "name": "app", "config": config}))
        .await;
    app.open("outage").await;
    // The receiver knows no such channel: 200 with an error in the body.
    let dead = app.notification_becomes("dead").await;
    assert_eq!(dead["last_error"], "Slack refused it: channel_not_found");
    receiver.answer_next([Answer::RetryAfter(429, "1".into())]);
    let retry = format!("/api/notifications/{}/retry", text(&dead["id"]));
    app.developer().post(&retry, json!({})).await.assert_status(200);
    let dead = app.notification_becomes("dead").await;
    assert_eq!(dead["attempts"], 3, "the 429 was followed by another try");
}

#[tokio::test]
async fn mail_goes_over_starttls_and_tls_to_its_addressees_only() {
    for is_wrapped in [false, true] {
        let server = if is_wrapped {
            MailServer::start_wrapped().await
        } else {
            MailServer::start().await
        };
        let authority = std::env::temp_dir().join(format!("{}.pem", uuid::Uuid::new_v4()));
        std::fs::write(&authority, server.certificate()).unwrap();
        let app = TestApp::start_with(&[
            ("--smtp-url", &server.url()),
            ("--smtp-from", "Sightline <alerts@sightline.example>"),
            ("--smtp-ca-file", authority.to_str().unwrap()),
        ])
        .await;
        let config = json!({"to": ["ada@example.com", "grace@example.com"]});
        app.channel(json!({"type": "email", "name": "mail", "config": config}))
            .await;
        server.refuse_next(["451 try later"]);
        let title = "checkout fails";
        let incident = app.open(title).await;
        let sent = app.notification_becomes("sent").await;
        assert_eq!(sent["attempts"], 2, "451 is tried again");
        let mail = server.received().remove(0);
        assert_eq!(mail.from, "alerts@sightline.example");
        assert_eq!(mail.to, ["ada@example.com", "grace@example.com"]);
        assert_eq!(mail.header("Subject"), "[low] Incident opened: checkout fails");
        assert_eq!(
            mail.header("Message-ID"),
            format!("<{}@sightline.example>", text(&sent["id"]))
        );
        assert!(mail.header("References").contains(&incident));
        assert!(mail.header("Bcc").is_empty());
        std::fs::remove_file(authority).unwrap();
    }
}

#[tokio::test]
async fn a_mail_server_that_nobody_vouches_for_gets_nothing() {
    let server = MailServer::start().await;
    let settings = [
        ("--smtp-url", &*server.url()),
        ("--smtp-from", "alerts@sightline.example"),
    ];
    let app = TestApp::start_with(&settings).await;
    let wanted = json!({"type": "email", "name": "mail", "config": {"to": ["ada@example.com"]}});
    let id = app.channel(wanted).await;
    let tried = app
        .developer()
        .post(&format!("/api/channels/{id}/test"), json!({}))
        .await
        .data();
    assert_eq!(tried["outcome"], "failed", "{tried}");
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn without_a_mail_server_an_email_channel_is_refused_with_the_remedy() {
    let app = TestApp::start().await;
    let wanted = json!({"type": "email", "name": "mail", "config": {"to": ["ada@example.com"]}});
    let refused = app.developer().post("/api/channels", wanted).await;
    refused.assert_error(400, "VALIDATION_ERROR", "");
    assert!(text(&refused.body["error"]["details"][0]["message"]).contains("SMTP_URL"));
}

#[tokio::test]
async fn while_a_secret_is_rotated_receivers_with_either_secret_verify() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    let made = json!({"type": "webhook", "name": "hook", "config": {"url": receiver.url()}});
    let made = app
        .developer()
        .post("/api/channels", made)
        .await
        .assert_status(201)
        .data();
    let path = format!("/api/channels/{}", text(&made["id"]));
    let rotated = app
        .developer()
        .post(&format!("{path}/rotate-secret"), json!({}))
        .await;
    let rotated = rotated.assert_status(200).data();
    let (old, new) = (text(&made["secret"]), text(&rotated["secret"]));
    assert_ne!(old, new);
    for secret in [&old, &new] {
        receiver.set_secret(secret);
        let tried = app
            .developer()
            .post(&format!("{path}/test"), json!({}))
            .await
            .data();
        assert_eq!(tried["outcome"], "sent", "{tried}");
    }
    assert_eq!(
        receiver.received()[0]
            .header("webhook-signature")
            .split(' ')
            .count(),
        2
    );
    // Without an overlap, the one before ends at once.
    let body = json!({"overlap_hours": 0});
    app.developer()
        .post(&format!("{path}/rotate-secret"), body)
        .await
        .assert_status(200);
    let tried = app
        .developer()
        .post(&format!("{path}/test"), json!({}))
        .await
        .data();
    assert_eq!(
        (&tried["outcome"], &tried["http_status"]),
        (&json!("refused"), &json!(401))
    );
    assert_eq!(
        app.count("SELECT count(*) FROM audit_logs WHERE action = 'channel.rotate_secret'")
            .await,
        2
    );
}
