//! Loki's query API as a client from npm speaks it, which knows nothing of us but an address and a token.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::role::Role;
use serde_json::{Value, json};
use testkit::TokenSpec;
use tokio::process::Command;

use crate::clients;
use crate::loki::Shop;

#[tokio::test]
async fn a_client_of_loki_reads_lines_and_numbers() {
    if clients::are_left_out() {
        return;
    }
    let shop = Shop::open().await;
    let person = shop.org.person(Role::Viewer).user_id;
    let (_, token) = shop
        .org
        .insert_token(&shop.app.db, person, &TokenSpec::default())
        .await;
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("grafana:{token}")));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/loki_client.cjs");
    let node = clients::program("node").await;
    let printed = clients::run(Command::new(node).arg(script).args([&shop.app.base, &basic])).await;
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
