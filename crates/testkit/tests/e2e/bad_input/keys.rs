//! Keys that do not let their holder in: each kind is told apart, with what to do about it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use testkit::{Client, Service, Stack, eventually};
use tokio::time::Instant;

use crate::company::{Company, INGEST, text};

const EVERYWHERE: [(Service, &str); 2] = [
    (Service::Ingest, INGEST),
    (Service::Webhook, "/api/v1/deployments"),
];

fn body(path: &str) -> serde_json::Value {
    if path == INGEST {
        json!({"message": "m"})
    } else {
        json!({"status": "success"})
    }
}

#[tokio::test]
async fn a_missing_malformed_unknown_revoked_or_expired_key_is_told_which_it_is() {
    let stack = Stack::build()
        .only([
            Service::Identity,
            Service::Ingest,
            Service::Webhook,
            Service::Query,
        ])
        .start()
        .await;
    let company = Company::sign_up(&stack.gateway()).await;
    let revoked = company.make_key(json!({"name": "revoked"})).await;
    company
        .admin
        .delete(&format!("/api/keys/{}", text(&revoked["id"])))
        .await
        .assert_status(204);
    let expired = company.make_key(json!({"name": "expired"})).await;
    let expire = "UPDATE api_keys SET expires_at = now() WHERE name = 'expired'";
    stack.db.owner().await.execute(expire, &[]).await.unwrap();
    let read_nothing = company
        .make_key(json!({"name": "deploys", "scopes": ["deployments:write"]}))
        .await;
    let unknown = domain::api_key::mint(rand::random);

    let with = |client: &Client, key: &str| client.with_api_key(key);
    for (service, path) in EVERYWHERE {
        let client = stack.client(service);
        let callers = [
            (
                client.clone(),
                "no API key; send one in the header X-API-Key or Authorization: Bearer",
            ),
            (
                with(&client, "slk_short"),
                "malformed; check that it was copied whole",
            ),
            (
                with(&client, &unknown),
                "unknown; create one in the service's settings",
            ),
            (
                with(&client, &text(&revoked["key"])),
                "was revoked; create a new one",
            ),
            (
                with(&client, &text(&expired["key"])),
                "has expired; create a new one",
            ),
        ];
        let mut messages = BTreeSet::new();
        for (caller, message) in callers {
            let reply = caller.post(path, body(path)).await;
            messages.insert(
                reply.assert_error(401, "UNAUTHORIZED", message).body["error"]["message"].to_string(),
            );
        }
        assert_eq!(messages.len(), 5, "the messages differ");
        with(&client, &company.api_key)
            .post(path, body(path))
            .await
            .assert_status(if path == INGEST { 200 } else { 201 });
    }
    let reply = stack
        .client(Service::Ingest)
        .with_api_key(&text(&read_nothing["key"]))
        .post(INGEST, body(INGEST))
        .await;
    reply.assert_error(
        403,
        "FORBIDDEN",
        "lacks the scope logs:write; create one that has it",
    );
}

#[tokio::test]
async fn a_revoked_key_is_refused_everywhere_within_a_second() {
    const WITHIN: Duration = Duration::from_secs(1);
    let stack = Stack::build()
        .only([
            Service::Identity,
            Service::Ingest,
            Service::Webhook,
            Service::Query,
        ])
        .replicas(Service::Ingest, 2)
        .start()
        .await;
    let company = Company::sign_up(&stack.gateway()).await;
    let key = company.make_key(json!({"name": "leaked"})).await;
    let mut callers: Vec<(Client, &str)> = EVERYWHERE
        .map(|(service, path)| (stack.client(service), path))
        .into();
    callers.push((stack.process(Service::Ingest, 1).client(), INGEST));
    for (client, path) in &mut callers {
        *client = client.with_api_key(&text(&key["key"]));
        assert!(
            client.post(path, body(path)).await.is_success(),
            "it works before"
        );
    }
    company
        .admin
        .delete(&format!("/api/keys/{}", text(&key["id"])))
        .await
        .assert_status(204);
    let revoked = Instant::now();
    for (client, path) in &callers {
        let left = WITHIN
            .saturating_sub(revoked.elapsed())
            .max(Duration::from_millis(50));
        eventually(left, "the key to be refused", async || {
            match client.post(path, body(path)).await.status {
                401 => Ok(()),
                status => Err(status),
            }
        })
        .await;
    }
}
