use domain::role::Role;
use serde_json::{Value, json};
use testkit::{Delivery, GitHub, WorkflowRun};
use time::Duration;
use time::macros::datetime;

use crate::app::{TestApp, another_org};

fn delivery_id(delivery: &Delivery) -> &str {
    &delivery.id
}

#[tokio::test]
async fn a_failed_run_becomes_a_failed_deployment() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let mut run = WorkflowRun::completed(42, "failure");
    run.commit_message = "Raise the limit\n\nBecause of \u{1f525}".into();
    let reply = hook.send(&app, &hook.github.workflow_run(&run)).await;
    let receipt = reply.assert_status(202).data();
    assert_eq!(receipt["status"], "applied");
    assert_eq!(receipt["detail"], "new deployment to production: failure");
    let found = app.deployment().await;
    assert_eq!(receipt["deployment_id"], found["id"]);
    let expected = json!({
        "service_id": app.org.service_id, "environment_id": app.org.production, "provider": "github",
        "external_id": "workflow_run:42", "attempt": 1, "status": "failure", "name": "Deploy", "version": null,
        "commit_sha": run.sha, "commit_message": run.commit_message, "ref": "main", "actor": "octocat",
        "url": "https://github.com/acme/shop/actions/runs/42",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&found[field], value, "{field}");
    }
    assert_eq!(found["finished_at"], found["status_at"]);
    assert!(found["started_at"].as_str() < found["finished_at"].as_str());
    assert_eq!(found["history"].as_array().unwrap().len(), 1);
    assert_eq!(app.announced().await, ["failure"]);
}

#[tokio::test]
async fn each_status_of_a_run_is_applied_recorded_and_announced_once() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let run = WorkflowRun::completed(42, "success");
    let requested = WorkflowRun {
        status: "queued".into(),
        conclusion: None,
        updated_at: run.started_at,
        ..run.clone()
    };
    let again = WorkflowRun {
        attempt: 2,
        status: "queued".into(),
        conclusion: None,
        updated_at: run.updated_at + Duration::MINUTE,
        ..run.clone()
    };
    let steps = [
        (requested, "new deployment to production: pending"),
        (
            run.in_progress(),
            "deployment to production: pending to in_progress",
        ),
        (run.clone(), "deployment to production: in_progress to success"),
        (again, "deployment to production: success to pending, attempt 2"),
    ];
    for (step, detail) in steps {
        let told = hook.told(&app, &hook.github.workflow_run(&step)).await;
        assert_eq!(told, ("applied".into(), detail.into()));
    }
    let statuses = ["pending", "in_progress", "success", "pending"];
    assert_eq!(app.announced().await, statuses);
    let deployment = app.deployment().await;
    let history: Vec<&str> = deployment["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status"].as_str().unwrap())
        .collect();
    assert_eq!(history, statuses);
    assert_eq!(deployment["finished_at"], Value::Null);
}

#[tokio::test]
async fn githubs_deployments_go_through_their_states() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({"Production (EU)": "production"})).await;
    let now = datetime!(2026-03-01 10:00 UTC);
    let created = hook
        .github
        .deployment(9, "Production (EU)", "abc", now - Duration::MINUTE);
    assert_eq!(hook.told(&app, &created).await.0, "applied");
    for (seconds, state) in [(1, "in_progress"), (2, "success"), (90, "inactive")] {
        let at = now + Duration::seconds(seconds);
        let status = hook
            .github
            .deployment_status(9, "Production (EU)", "abc", state, at);
        assert_eq!(hook.told(&app, &status).await.0, "applied", "{state}");
    }
    assert_eq!(
        app.announced().await,
        ["pending", "in_progress", "success", "superseded"]
    );
    let deployment = app.deployment().await;
    assert_eq!(deployment["external_id"], "deployment:9");
    assert_eq!(deployment["status"], "superseded");
    // It ended when it succeeded, not when a later one replaced it.
    assert!(deployment["finished_at"].as_str() < deployment["status_at"].as_str());
}

#[tokio::test]
async fn a_ping_says_whether_the_webhook_is_set_up_well() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let (status, detail) = hook.told(&app, &hook.github.ping()).await;
    assert_eq!(
        (status.as_str(), detail.as_str()),
        ("unchanged", "GitHub's ping: the webhook is set up")
    );
    let useless = hook.github.sign("ping", &json!({"hook": {"events": ["push"]}}));
    let (_, detail) = hook.told(&app, &useless).await;
    assert!(
        detail.contains("none of its events tells of deployments"),
        "{detail}"
    );
    let elsewhere = GitHub {
        repo: "other".into(),
        ..hook.github.clone()
    };
    let (status, detail) = hook.told(&app, &elsewhere.ping()).await;
    assert_eq!(status, "ignored");
    assert!(detail.contains("acme/other"), "{detail}");
    assert_eq!(app.count("webhook_deliveries").await, 3);
    assert_eq!(app.count("deployments").await, 0);
}

#[tokio::test]
async fn other_events_are_recorded_as_ignored() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let push = hook.github.sign(
        "push",
        &json!({"ref": "refs/heads/main", "commits": [{"message": "private"}]}),
    );
    let (status, detail) = hook.told(&app, &push).await;
    assert_eq!(status, "ignored");
    assert!(detail.contains("events of the kind push"), "{detail}");
    let listed = app
        .member(Role::Viewer)
        .get("/api/webhooks/deliveries?status=ignored")
        .await
        .data();
    assert_eq!(listed[0]["event"], "push");
    assert_eq!(listed[0]["delivery_id"], delivery_id(&push));
    assert_eq!(
        app.column("SELECT payload::text FROM webhook_deliveries").await,
        ["{}"]
    );
}

#[tokio::test]
async fn a_repeated_delivery_has_no_effect() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let first = hook.github.workflow_run(&WorkflowRun::completed(1, "failure"));
    assert_eq!(hook.told(&app, &first).await.0, "applied");
    // Even with another body under the same id.
    let other = Delivery {
        id: first.id.clone(),
        ..hook.github.workflow_run(&WorkflowRun::completed(2, "failure"))
    };
    for repeated in [&first, &first, &other] {
        let (status, detail) = hook.told(&app, repeated).await;
        assert_eq!(status, "duplicate");
        assert!(detail.contains("replay it in Sightline"), "{detail}");
    }
    assert_eq!(app.count("webhook_deliveries").await, 1);
    assert_eq!(app.count("deployments").await, 1);
    assert_eq!(app.announced().await, ["failure"]);
}

#[tokio::test]
async fn of_twenty_copies_that_arrive_at_once_one_has_an_effect() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let run = WorkflowRun::completed(1, "failure");
    let (applied, ping) = (hook.github.workflow_run(&run), hook.github.ping());
    for (delivery, first) in [(&applied, "applied"), (&ping, "unchanged")] {
        let sends = (0..20).map(|_| hook.told(&app, delivery));
        let mut statuses: Vec<String> = futures_util::future::join_all(sends)
            .await
            .into_iter()
            .map(|told| told.0)
            .collect();
        statuses.sort_unstable();
        let duplicates = statuses.iter().filter(|status| *status == "duplicate").count();
        assert_eq!(duplicates, 19, "{statuses:?}");
        assert!(statuses.iter().any(|status| status == first), "{statuses:?}");
    }
    assert_eq!(app.count("webhook_deliveries").await, 2);
    assert_eq!(app.count("deployment_status_history").await, 1);
    assert_eq!(app.announced().await, ["failure"]);
}

#[tokio::test]
async fn an_old_body_under_a_fresh_id_has_no_effect() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let run = WorkflowRun::completed(1, "success");
    let started = hook.github.workflow_run(&run.in_progress());
    hook.told(&app, &started).await;
    hook.told(&app, &hook.github.workflow_run(&run)).await;
    let before = app.deployment().await;
    let replayed = Delivery {
        id: "fresh-id".into(),
        ..started
    };
    let (status, detail) = hook.told(&app, &replayed).await;
    assert_eq!(status, "unchanged");
    assert_eq!(detail, "nothing new: the deployment to production is success");
    assert_eq!(app.deployment().await, before);
    assert_eq!(app.announced().await, ["in_progress", "success"]);
}

#[tokio::test]
async fn the_same_delivery_id_at_two_integrations_is_two_deliveries() {
    let app = TestApp::start().await;
    let stranger = another_org(&app).await;
    let ours = app.connect(json!({})).await;
    let theirs = app
        .connect_service(&stranger, stranger.service_id, json!({}))
        .await;
    let run = WorkflowRun::completed(1, "failure");
    for hook in [&ours, &theirs] {
        let delivery = Delivery {
            id: "the-same".into(),
            ..hook.github.workflow_run(&run)
        };
        assert_eq!(hook.told(&app, &delivery).await.0, "applied");
    }
}

#[tokio::test]
async fn two_organisations_that_claim_one_repository_see_only_what_their_own_secret_signed() {
    let app = TestApp::start().await;
    let stranger = another_org(&app).await;
    let ours = app.connect(json!({})).await;
    let theirs = app
        .connect_service(&stranger, stranger.service_id, json!({}))
        .await;
    let failed = WorkflowRun::completed(1, "failure");
    let passed = WorkflowRun::completed(1, "success");
    ours.told(&app, &ours.github.workflow_run(&failed)).await;
    theirs.told(&app, &theirs.github.workflow_run(&passed)).await;
    assert_eq!(app.deployment().await["status"], "failure");
    let seen = app
        .member_of(&stranger, Role::Viewer)
        .get("/api/deployments")
        .await
        .data();
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!(seen[0]["status"], "success");
}

#[tokio::test]
async fn a_form_encoded_delivery_is_read_as_well() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let json = hook
        .github
        .workflow_run(&WorkflowRun::completed(1, "failure"))
        .body;
    let json = String::from_utf8(json).unwrap();
    let encoded: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &json)
        .finish();
    let signature = hook.github.signature(encoded.as_bytes());
    let client = app
        .anyone
        .with_header("x-github-event", "workflow_run")
        .with_header("x-github-delivery", "form-1")
        .with_header("x-hub-signature-256", &signature);
    let reply = client
        .post_bytes(&hook.path, "application/x-www-form-urlencoded", encoded)
        .await;
    assert_eq!(reply.assert_status(202).data()["status"], "applied");
}

#[tokio::test]
async fn a_delivery_that_was_ignored_takes_effect_by_a_replay_after_the_mapping_was_corrected() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({"main": "prod"})).await;
    let failed = hook.github.workflow_run(&WorkflowRun::completed(1, "failure"));
    let (status, detail) = hook.told(&app, &failed).await;
    assert_eq!(status, "ignored");
    assert!(detail.contains("the environment \"prod\""), "{detail}");

    let developer = app.member(Role::Developer);
    let corrected =
        json!({"repo_owner": "acme", "repo_name": "shop", "environment_mapping": {"main": "staging"}});
    let path = format!("/api/services/{}/github", app.org.service_id);
    developer.put(&path, corrected).await.assert_status(200);
    let id = developer.get("/api/webhooks/deliveries").await.data()[0]["id"].clone();
    let replay = format!("/api/webhooks/deliveries/{}/replay", id.as_str().unwrap());
    let replayed = developer.post(&replay, json!({})).await.data();
    assert_eq!(replayed["status"], "applied");
    assert_eq!(replayed["attempts"], 2);
    assert_eq!(app.deployment().await["environment_id"], json!(app.org.staging));
    assert_eq!(app.announced().await, ["failure"]);

    let again = developer.post(&replay, json!({})).await.data();
    assert_eq!(
        (&again["status"], &again["attempts"]),
        (&json!("unchanged"), &json!(3))
    );
    assert_eq!(again["deployment_id"], replayed["deployment_id"]);
    assert_eq!(app.announced().await, ["failure"]);
    let audited = app
        .column("SELECT action FROM audit_logs WHERE action LIKE 'webhook_delivery.%'")
        .await;
    assert_eq!(audited, ["webhook_delivery.replay", "webhook_delivery.replay"]);
    let stored = developer.get("/api/webhooks/deliveries").await.data();
    assert_eq!(stored[0], again);
}

#[tokio::test]
async fn a_replay_moves_a_deployment_that_was_mapped_to_the_wrong_environment() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({"main": "staging"})).await;
    let run = WorkflowRun::completed(1, "failure");
    hook.told(&app, &hook.github.workflow_run(&run.in_progress()))
        .await;
    hook.told(&app, &hook.github.workflow_run(&run)).await;
    let developer = app.member(Role::Developer);
    let corrected =
        json!({"repo_owner": "acme", "repo_name": "shop", "environment_mapping": {"main": "production"}});
    let path = format!("/api/services/{}/github", app.org.service_id);
    developer.put(&path, corrected).await.assert_status(200);
    let listed = developer.get("/api/webhooks/deliveries").await.data();
    let replay = |index: usize| {
        let path = format!(
            "/api/webhooks/deliveries/{}/replay",
            listed[index]["id"].as_str().unwrap()
        );
        let developer = developer.clone();
        async move { developer.post(&path, json!({})).await.data() }
    };
    // The older delivery, newest first, is not what the deployment stands by.
    assert_eq!(replay(1).await["status"], "unchanged");
    let moved = replay(0).await;
    assert_eq!(
        (&moved["status"], &moved["detail"]),
        (&json!("applied"), &json!("deployment moved to production"))
    );
    assert_eq!(
        app.deployment().await["environment_id"],
        json!(app.org.production)
    );
    assert_eq!(app.announced().await, ["in_progress", "failure", "failure"]);
}

#[tokio::test]
async fn a_replay_does_not_undo_what_came_later() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let run = WorkflowRun::completed(1, "success");
    hook.told(&app, &hook.github.workflow_run(&run.in_progress()))
        .await;
    hook.told(&app, &hook.github.workflow_run(&run)).await;
    let developer = app.member(Role::Developer);
    let listed = developer.get("/api/webhooks/deliveries").await.data();
    let path = format!(
        "/api/webhooks/deliveries/{}/replay",
        listed[1]["id"].as_str().unwrap()
    );
    assert_eq!(
        developer.post(&path, json!({})).await.data()["status"],
        "unchanged"
    );
    assert_eq!(app.deployment().await["status"], "success");
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_in_pages_and_by_status() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let mut sent = Vec::new();
    for id in 1..=5 {
        let delivery = hook.github.workflow_run(&WorkflowRun::completed(id, "failure"));
        hook.told(&app, &delivery).await;
        sent.push(delivery.id);
        hook.told(&app, &hook.github.sign("push", &json!({}))).await;
    }
    sent.reverse();
    let viewer = app.member(Role::Viewer);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = viewer
            .get(&format!(
                "/api/webhooks/deliveries?status=applied&limit=2{cursor}"
            ))
            .await;
        let rows = page.data();
        seen.extend(
            rows.as_array()
                .unwrap()
                .iter()
                .map(|row| row["delivery_id"].as_str().unwrap().to_owned()),
        );
        match page.next_cursor() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, sent);
    let wrong = [
        ("status=done", "status"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("page=2", "page"),
    ];
    for (query, field) in wrong {
        let reply = viewer.get(&format!("/api/webhooks/deliveries?{query}")).await;
        reply.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(reply.body["error"]["details"][0]["path"], field, "{}", reply.body);
    }
}
