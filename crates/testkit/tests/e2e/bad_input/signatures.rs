//! Deliveries of a webhook that are not what they claim to be.

use serde_json::json;
use testkit::{Delivery, GitHub, Service, Stack, WorkflowRun};

use crate::company::{Company, text};

/// What older receivers checked: well formed, and not enough.
const SHA1: &str = "sha1=0000000000000000000000000000000000000000";

#[tokio::test]
async fn a_delivery_with_a_wrong_missing_or_replayed_signature_changes_nothing() {
    let stack = Stack::build()
        .only([Service::Identity, Service::Webhook, Service::Query])
        .start()
        .await;
    let company = Company::sign_up(&stack.gateway()).await;
    let path = format!("/api/services/{}/github", company.service_id);
    let integration = company
        .admin
        .put(&path, json!({"repo_owner": "acme", "repo_name": "shop"}))
        .await
        .data();
    let github = GitHub::new("acme", "shop", &text(&integration["secret"]));
    let path = format!("/api/v1/webhooks/github/{}", text(&integration["id"]));
    let gateway = stack.gateway();
    let deployments = async || company.admin.get("/api/deployments").await.data();
    let good = github.workflow_run(&WorkflowRun::completed(1, "success"));

    let forged = |signature: Option<&str>| Delivery {
        signature: signature.map(str::to_owned),
        ..good.clone()
    };
    let other_secret = GitHub::new("acme", "shop", "another secret").signature(&good.body);
    let mut other_body = good.clone();
    other_body.body = String::from_utf8(good.body.clone())
        .unwrap()
        .replace("success", "failure")
        .into_bytes();
    let refused = [
        (
            forged(None),
            "no X-Hub-Signature-256; enter the integration's secret",
        ),
        (
            forged(Some("")),
            "malformed; it must be sha256= and 64 lower-case hex digits",
        ),
        (
            forged(Some("sha256=0")),
            "malformed; it must be sha256= and 64 lower-case hex digits",
        ),
        (forged(Some(SHA1)), "malformed"),
        (
            forged(Some(&other_secret)),
            "the webhook's secret at GitHub is not the integration's",
        ),
        (other_body, "or the body was changed"),
    ];
    for (delivery, message) in refused {
        delivery
            .send(&gateway, &path)
            .await
            .assert_error(401, "UNAUTHORIZED", message);
    }
    let nowhere = format!("/api/v1/webhooks/github/{}", uuid::Uuid::new_v4());
    good.send(&gateway, &nowhere)
        .await
        .assert_error(404, "NOT_FOUND", "not found");
    assert_eq!(deployments().await, json!([]));

    // The body was signed by GitHub: it counts once, whatever delivery id it comes with.
    assert_eq!(
        good.send(&gateway, &path).await.assert_status(202).data()["status"],
        "applied"
    );
    let before = deployments().await;
    assert_eq!(
        good.send(&gateway, &path).await.assert_status(202).data()["status"],
        "duplicate"
    );
    let replayed = Delivery {
        id: uuid::Uuid::new_v4().to_string(),
        ..good.clone()
    };
    assert_eq!(
        replayed.send(&gateway, &path).await.assert_status(202).data()["status"],
        "unchanged"
    );
    assert_eq!(deployments().await, before);

    // An old state that is replayed after a newer one does not turn back time.
    let failed = WorkflowRun {
        attempt: 2,
        ..WorkflowRun::completed(1, "failure")
    };
    assert_eq!(
        github.workflow_run(&failed).send(&gateway, &path).await.data()["status"],
        "applied"
    );
    let replayed = Delivery {
        id: uuid::Uuid::new_v4().to_string(),
        ..good
    };
    replayed.send(&gateway, &path).await.assert_status(202);
    let now = deployments().await;
    assert_eq!(
        (now.as_array().unwrap().len(), &now[0]["status"]),
        (1, &json!("failure")),
        "{now}"
    );
}
