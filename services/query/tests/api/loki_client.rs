//! Loki's query API as a client from npm speaks it, which knows nothing of us but an address and a token.
//!
//! `TEST_WITHOUT_CLIENTS=yes` leaves this out, for a machine that cannot have the client. `deploy/local/clients` pins it.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::role::Role;
use serde_json::{Value, json};
use testkit::TokenSpec;
use tokio::process::Command;

use crate::loki::Shop;

/// Getting the client takes most of it, the first time.
const PATIENCE: Duration = Duration::from_mins(4);

#[tokio::test]
async fn a_client_of_loki_reads_lines_and_numbers() {
    if std::env::var_os("TEST_WITHOUT_CLIENTS").is_some_and(|value| value == "yes") {
        return;
    }
    let shop = Shop::open().await;
    let person = shop.org.person(Role::Viewer).user_id;
    let (_, token) = shop
        .org
        .insert_token(&shop.app.db, person, &TokenSpec::default())
        .await;
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("grafana:{token}")));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let node = run(Command::new(folder.join("../../deploy/local/clients.sh")).arg("node")).await;
    let script = folder.join("tests/api/loki_client.cjs");
    let printed = run(Command::new(node.trim())
        .arg(script)
        .args([&shop.app.base, &basic]))
    .await;
    let found: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(found["labels"], json!(["environment", "level", "service_name"]));
    assert_eq!(found["services"], json!(["billing", "default"]));
    assert_eq!(found["lines"], json!(["card declined"]));
    let stream = &found["streams"][0];
    assert_eq!(
        (&stream["labels"]["ms"], &stream["labels"]["level"]),
        (&json!("900"), &json!("warn"))
    );
    assert_eq!(stream["values"], json!([[shop.nanos(2), "slow cart ms=900"]]));
    let values = found["numbers"][0]["values"].as_array().unwrap();
    assert_eq!(values[values.len() - 1][1], "2", "{found}");
    let refusal = found["refusal"].as_str().unwrap();
    assert!(
        refusal.starts_with("400 parse error at line 1, col 6: "),
        "{refusal}"
    );
}

/// The command's output. It must end in time and with success.
async fn run(command: &mut Command) -> String {
    let output = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output())
        .await
        .unwrap()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{stderr}");
    String::from_utf8(output.stdout).unwrap()
}
