use std::time::Duration;

use serde_json::json;
use standardwebhooks::Webhook;
use testkit::{Answer, Client, Receiver};

const SOON: Duration = Duration::from_secs(5);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn path(receiver: &Receiver) -> (Client, String) {
    let url = receiver.url();
    let base = format!("http://{}", receiver.addr());
    (Client::new(&base), url.strip_prefix(&base).unwrap().to_owned())
}

#[tokio::test]
async fn slack_takes_a_good_message_and_names_what_is_wrong_with_a_bad_one() {
    let slack = Receiver::slack().await;
    let (client, path) = path(&slack);
    let good = json!({"text": "Error burst", "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "Error burst"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*20* errors"}},
        {"type": "actions", "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://sightline.example/i/1"}]},
    ]});
    let reply = client.post(&path, good).await;
    assert_eq!((reply.status, reply.body), (200, json!("ok")));
    assert!(slack.received()[0].text().contains("*20* errors"));

    let long_header =
        json!({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x".repeat(151)}}]});
    for (bad, word) in [
        (json!({}), "no_text"),
        (json!([]), "invalid_payload"),
        (long_header, "invalid_blocks"),
        (
            json!({"text": "x", "blocks": vec![json!({"type": "divider"}); 51]}),
            "invalid_blocks",
        ),
        (
            json!({"text": "x", "blocks": [{"type": "heading"}]}),
            "invalid_blocks",
        ),
    ] {
        let reply = client.post(&path, bad).await;
        assert_eq!((reply.status, reply.body), (400, json!(word)));
    }
    assert_eq!((slack.received().len(), slack.accepted().len()), (6, 1));
}

#[tokio::test]
async fn discord_takes_a_good_message_and_refuses_what_is_too_long() {
    let discord = Receiver::discord().await;
    let (client, path) = path(&discord);
    let embed = json!({"title": "Error burst", "description": "20 errors", "url": "https://sightline.example/i/1",
        "color": 0xFF_00_00, "timestamp": "2026-11-22T20:00:00Z", "fields": [{"name": "Service", "value": "default"}]});
    client
        .post(&path, json!({"embeds": [embed]}))
        .await
        .assert_status(204);
    for bad in [
        json!({}),
        json!({"content": "x".repeat(2_001)}),
        json!({"embeds": vec![json!({"title": "x"}); 11]}),
        json!({"embeds": [{"title": "x".repeat(257)}]}),
        json!({"embeds": [{"title": "x", "url": "javascript:alert(1)"}]}),
        json!({"embeds": [{"title": "x", "fields": [{"name": "Service", "value": ""}]}]}),
        json!({"embeds": vec![json!({"description": "x".repeat(4_000)}); 2]}),
    ] {
        client.post(&path, bad).await.assert_status(400);
    }
    assert_eq!(discord.accepted().len(), 1);
}

#[tokio::test]
async fn a_standard_webhook_is_taken_only_with_a_fresh_signature_of_this_very_body() {
    let receiver = Receiver::standard_webhooks(Some(SECRET)).await;
    let (client, path) = path(&receiver);
    let body =
        json!({"type": "incident.opened", "timestamp": "2026-11-22T20:00:00Z", "data": {}}).to_string();
    let send = async |body: &str, id: &str, at: i64| {
        let signature = Webhook::new(SECRET)
            .unwrap()
            .sign("msg_1", at, body.as_bytes())
            .unwrap();
        let client = client
            .with_header("webhook-id", id)
            .with_header("webhook-timestamp", &at.to_string())
            .with_header("webhook-signature", &signature);
        client
            .post_bytes(&path, "application/json", body.to_owned())
            .await
            .status
    };
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    assert_eq!(send(&body, "msg_1", now).await, 204);
    assert_eq!(send(&body, "msg_2", now).await, 401, "the id is signed");
    assert_eq!(
        send(&body, "msg_1", now - 301).await,
        401,
        "older than five minutes"
    );
    assert_eq!(
        send("{}", "msg_1", now).await,
        401,
        "the specification's fields are missing"
    );
    assert_eq!(receiver.accepted()[0].id(), "msg_1");
}

#[tokio::test]
async fn answers_follow_the_script_and_then_the_usual() {
    let slack = Receiver::slack().await;
    let (client, path) = path(&slack);
    slack.answer_next([
        Answer::RetryAfter(429, "7".into()),
        Answer::Status(500),
        Answer::Redirect("http://[::1]/".into()),
    ]);
    let limited = client.post(&path, json!({"text": "x"})).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
    assert_eq!(client.post(&path, json!({"text": "x"})).await.status, 500);
    assert_eq!(
        client.post(&path, json!({"text": "x"})).await.header("location"),
        "http://[::1]/"
    );
    assert_eq!(client.post(&path, json!({"text": "x"})).await.status, 200);
    let received = slack.wait_for(4, SOON).await;
    assert_eq!(
        received.iter().map(|one| one.status).collect::<Vec<_>>(),
        [Some(429), Some(500), Some(307), Some(200)]
    );
    slack.assert_no_faults();
}

#[tokio::test]
async fn a_receiver_can_hang_stall_and_reset_and_has_the_request_all_the_same() {
    let slack = Receiver::slack().await;
    let (client, path) = path(&slack);
    let request = || {
        client
            .request(reqwest::Method::POST, &path)
            .json(&json!({"text": "x"}))
            .timeout(Duration::from_millis(300))
    };

    slack.answer_next([
        Answer::Silence,
        Answer::HangAfterHeaders,
        Answer::Reset,
        Answer::Endless,
    ]);
    assert!(request().send().await.unwrap_err().is_timeout(), "silence");
    assert!(
        request()
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap_err()
            .is_timeout(),
        "hang after headers"
    );
    assert!(!request().send().await.unwrap_err().is_timeout(), "reset");
    assert!(request().send().await.unwrap().bytes().await.is_err(), "endless");
    assert_eq!(slack.wait_for(4, SOON).await.len(), 4);

    slack.answer_always(Answer::Late(Duration::from_millis(150), Box::new(Answer::Usual)));
    let asked = std::time::Instant::now();
    assert_eq!(request().send().await.unwrap().status(), 200);
    assert!(asked.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let slack = Receiver::slack().await;
    let (client, path) = path(&slack);
    let pieces = [r#"{"te"#, r#"xt":"#, r#""x"}"#].map(Ok::<_, std::io::Error>);
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    client
        .post_bytes(&path, "application/json", body)
        .await
        .assert_status(200);
    assert_eq!(slack.received()[0].json(), json!({"text": "x"}));
}
