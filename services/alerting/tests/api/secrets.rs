//! Channel secrets: sealed at rest, shown once, and nowhere else.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::role::Role;
use serde_json::json;
use testkit::{Answer, Receiver};
use tracing_subscriber::fmt::MakeWriter;

use crate::test_app::{TestApp, text};

/// What the service logs, at every level.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_canary_in_a_channel_is_in_no_table_no_answer_and_no_log() {
    const CANARY: &str = "canary7f3a9";
    let logs = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(logs.clone())
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);

    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    receiver.answer_next([
        Answer::Status(500),
        Answer::Redirect(format!("https://{CANARY}.example/")),
    ]);
    let base = format!("http://{}/services/{CANARY}", receiver.addr());
    let own_secret = format!("whsec_{}", STANDARD.encode(format!("{CANARY}-{CANARY}-{CANARY}")));
    let mut answers = Vec::new();
    let mut ids = Vec::new();
    for config in [
        json!({"type": "slack", "name": "slack", "config": {"webhook_url": format!("{base}/XXXX")}}),
        json!({"type": "webhook", "name": "hook", "config": {"url": format!("{base}/XXXX"), "secret": own_secret}}),
        // Nothing listens there.
        json!({"type": "slack", "name": "gone", "config": {"webhook_url": format!("http://127.0.0.1:1/{CANARY}/XXXX")}}),
        // Refused, for several reasons.
        json!({"type": "slack", "name": "bad", "config": {"webhook_url": format!("ftp://{CANARY}/")}}),
        json!({"type": "slack", "name": "bad", "config": format!("https://{CANARY}.example/")}),
        json!({"type": "slack", "name": "bad", "config": {"webhook_url": [CANARY]}}),
        json!({"type": "webhook", "name": "bad", "config": {"url": format!("https://10.0.0.1/{CANARY}"), "secret": CANARY}}),
        json!({"type": "slack", "name": "bad", "config": {"webhook_url": format!("https://10.0.0.1/{CANARY}")}}),
    ] {
        let reply = app.developer().post("/api/channels", config).await;
        if reply.is_success() {
            ids.push(text(&reply.data()["id"]));
        }
        answers.push(reply.body.to_string());
    }
    assert_eq!(ids.len(), 3);
    let incident = app.open("outage").await;
    for id in &ids {
        let path = format!("/api/channels/{id}");
        let tried = app.developer().post(&format!("{path}/test"), json!({})).await;
        answers.push(tried.body.to_string());
        let renamed = json!({"name": format!("renamed {id}")});
        answers.push(app.developer().patch(&path, renamed).await.body.to_string());
    }
    app.resolve(&incident).await;
    for path in [
        "/api/channels".to_owned(),
        "/api/notifications".to_owned(),
        format!("/api/incidents/{incident}"),
        "/metrics".to_owned(),
    ] {
        answers.push(app.as_role(Role::Admin).get(&path).await.body.to_string());
    }
    receiver.wait_for(4, crate::test_app::SOON).await;
    assert!(
        receiver.received().iter().any(|one| one.path.contains(CANARY)),
        "the canary is really used"
    );
    for answer in &answers {
        assert!(!answer.contains(CANARY), "{answer}");
        assert!(!answer.contains(&own_secret), "{answer}");
    }
    for (what, text) in tables(&app).await {
        let hex = CANARY
            .bytes()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        for form in [CANARY, hex.as_str(), own_secret.as_str()] {
            assert!(!text.contains(form), "{what} holds {form}");
        }
    }
    let logs = String::from_utf8_lossy(&logs.0.lock().unwrap()).into_owned();
    assert!(logs.contains("notification"), "logs were captured");
    let line = logs
        .lines()
        .filter(|line| line.contains("alerting") || line.contains("reqwest"))
        .find(|line| line.contains(CANARY) || line.contains(&own_secret));
    assert_eq!(line, None);
    let anywhere = logs.lines().find(|line| line.contains(&own_secret));
    assert_eq!(anywhere, None);
}

/// Every table of the database as text, with its name.
async fn tables(app: &TestApp) -> Vec<(String, String)> {
    let owner = app.db.owner().await;
    let sql = "SELECT table_name::text FROM information_schema.tables
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let mut dumped = Vec::new();
    for row in owner.query(sql, &[]).await.unwrap() {
        let name: String = row.get(0);
        let dump = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM \"{name}\" t");
        let text: String = owner.query_one(&dump, &[]).await.unwrap().get(0);
        dumped.push((name, text));
    }
    let channels = dumped.iter().find(|(name, _)| name == "notification_channels");
    assert!(channels.is_some_and(|(_, text)| text.contains("slack")));
    dumped
}
