use domain::api_key::KeyScope;
use domain::role::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{KeySpec, WorkflowRun};

use crate::app::{TestApp, another_org};

const ROUTE: &str = "/api/v1/deployments";

#[tokio::test]
async fn ci_reports_a_deployment_from_start_to_end() {
    let app = TestApp::start().await;
    let ci = app.ci();
    let started = ci
        .post(ROUTE, json!({
            "external_id": "build-7", "status": "in_progress", "name": "deploy", "version": "1.2.3", "commit_sha": "abc",
            "commit_message": "Fix\nall", "ref": "main", "actor": "ann", "url": "https://ci.example/7",
            "at": "2026-03-01T10:00:00Z",
        }))
        .await;
    let made = started.assert_status(201).data();
    let expected = json!({
        "service_id": app.org.service_id, "environment_id": app.org.production, "provider": "api",
        "external_id": "build-7", "attempt": 1, "status": "in_progress", "status_at": "2026-03-01T10:00:00Z",
        "name": "deploy", "version": "1.2.3", "commit_sha": "abc", "commit_message": "Fix\nall", "ref": "main",
        "actor": "ann", "url": "https://ci.example/7", "started_at": "2026-03-01T10:00:00Z", "finished_at": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    let ended = ci
        .post(
            ROUTE,
            json!({"external_id": "build-7", "status": "success", "at": "2026-03-01T10:05:00Z"}),
        )
        .await;
    let ended = ended.assert_status(200).data();
    assert_eq!(ended["id"], made["id"]);
    assert_eq!(ended["status"], "success");
    assert_eq!(ended["started_at"], "2026-03-01T10:00:00Z");
    assert_eq!(ended["finished_at"], "2026-03-01T10:05:00Z");
    assert_eq!(
        ended["version"], "1.2.3",
        "a later report without a field keeps it"
    );
    assert_eq!(app.announced().await, ["in_progress", "success"]);
    let key_used = app.column("SELECT last_used_at::text FROM api_keys").await;
    assert!(!key_used[0].is_empty());
}

#[tokio::test]
async fn late_and_repeated_reports_change_nothing() {
    let app = TestApp::start().await;
    let ci = app.ci();
    let report = |status: &str, minute: u32, attempt: u32| json!({"external_id": "b", "status": status, "attempt": attempt, "at": format!("2026-03-01T10:{minute:02}:00Z")});
    ci.post(ROUTE, report("failure", 5, 1)).await.assert_status(201);
    for late in [
        report("failure", 5, 1),
        report("in_progress", 9, 1),
        report("pending", 1, 1),
    ] {
        let reply = ci.post(ROUTE, late).await;
        assert_eq!(reply.assert_status(200).data()["status"], "failure");
    }
    assert_eq!(app.announced().await, ["failure"]);
    let again = ci.post(ROUTE, report("pending", 2, 2)).await.data();
    assert_eq!(
        (&again["status"], &again["attempt"]),
        (&json!("pending"), &json!(2))
    );
    let stale = ci.post(ROUTE, report("success", 30, 1)).await.data();
    assert_eq!(
        stale["status"], "pending",
        "a report of the first attempt came after the second began"
    );
    assert_eq!(app.announced().await, ["failure", "pending"]);
    let deployment = app.deployment().await;
    let history: Vec<(i64, &str)> = deployment["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["attempt"].as_i64().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        history,
        [
            (1, "pending"),
            (1, "failure"),
            (1, "in_progress"),
            (1, "success"),
            (2, "pending")
        ],
        "each report once, in the order of its own time"
    );
}

#[tokio::test]
async fn reports_that_arrive_at_once_make_one_deployment_and_the_newest_wins() {
    let app = TestApp::start().await;
    let ci = app.ci();
    let reports = (0..24).map(|number| {
        let status = ["pending", "in_progress", "failure", "success"][number % 4];
        let body =
            json!({"external_id": "b", "status": status, "at": format!("2026-03-01T10:{number:02}:00Z")});
        let ci = ci.clone();
        async move { ci.post(ROUTE, body).await.status }
    });
    let statuses = join_all(reports).await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| [200, 201].contains(status)),
        "{statuses:?}"
    );
    let deployment = app.deployment().await;
    assert_eq!(
        (&deployment["status"], &deployment["status_at"]),
        (&json!("success"), &json!("2026-03-01T10:23:00Z"))
    );
    assert_eq!(deployment["history"].as_array().unwrap().len(), 24);
    assert_eq!(deployment["started_at"], "2026-03-01T10:01:00Z");
}

#[tokio::test]
async fn the_environment_is_the_keys_own_or_another_of_its_service_by_name() {
    let app = TestApp::start().await;
    let ci = app.ci();
    let named = ci
        .post(ROUTE, json!({"status": "success", "environment": "staging"}))
        .await
        .data();
    assert_eq!(named["environment_id"], json!(app.org.staging));
    let unknown = ci
        .post(ROUTE, json!({"status": "success", "environment": "prod"}))
        .await;
    unknown.assert_error(400, "VALIDATION_ERROR", "it has production, staging");
    assert_eq!(unknown.body["error"]["details"][0]["path"], "environment");

    let (other_service, [_, other_staging]) = app.org.insert_service(&app.db, "other").await;
    let only = format!("UPDATE environments SET name = 'qa' WHERE id = '{other_staging}'");
    app.execute(&only).await;
    let foreign = ci
        .post(ROUTE, json!({"status": "success", "environment": "qa"}))
        .await;
    foreign.assert_error(400, "VALIDATION_ERROR", "not an environment of the key's service");
    let by_id = ci
        .post(ROUTE, json!({"status": "success", "service_id": other_service}))
        .await;
    by_id.assert_error(400, "VALIDATION_ERROR", "service_id");
}

#[tokio::test]
async fn the_same_external_id_of_another_provider_or_service_is_another_deployment() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    hook.told(
        &app,
        &hook.github.workflow_run(&WorkflowRun::completed(5, "failure")),
    )
    .await;
    let stranger = another_org(&app).await;
    for key in [app.org.api_key(), stranger.api_key()] {
        let body = json!({"external_id": "workflow_run:5", "status": "success"});
        app.anyone
            .with_api_key(key)
            .post(ROUTE, body)
            .await
            .assert_status(201);
    }
    let ours = app.deployments().await;
    let statuses: Vec<&Value> = ours
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(statuses, [&json!("success"), &json!("failure")]);
}

#[tokio::test]
async fn without_an_external_id_every_report_is_a_deployment_of_its_own() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        app.ci()
            .post(ROUTE, json!({"status": "success"}))
            .await
            .assert_status(201);
    }
    let all = app.deployments().await;
    assert_ne!(all[0]["external_id"], all[1]["external_id"]);
}

#[tokio::test]
async fn a_key_must_be_live_and_allowed_to_report_deployments() {
    let app = TestApp::start().await;
    let body = json!({"status": "success"});
    app.anyone
        .post(ROUTE, body.clone())
        .await
        .assert_error(401, "UNAUTHORIZED", "no API key");
    app.member(Role::Admin)
        .post(ROUTE, body.clone())
        .await
        .assert_error(401, "UNAUTHORIZED", "no API key");
    let logs_only = KeySpec {
        scopes: vec![KeyScope::LogsWrite],
        ..KeySpec::default()
    };
    let revoked = KeySpec {
        revoked: true,
        ..KeySpec::default()
    };
    let expired = KeySpec {
        expires_in: Some(-time::Duration::MINUTE),
        ..KeySpec::default()
    };
    let cases = [
        (logs_only, 403, "FORBIDDEN", "lacks the scope deployments:write"),
        (revoked, 401, "UNAUTHORIZED", "was revoked"),
        (expired, 401, "UNAUTHORIZED", "has expired"),
    ];
    for (spec, status, code, message) in cases {
        let (_, raw) = app.org.insert_key(&app.db, &spec).await;
        // Who calls is decided before the body is looked at.
        for body in [body.clone(), json!({"nonsense": true})] {
            app.anyone
                .with_api_key(&raw)
                .post(ROUTE, body)
                .await
                .assert_error(status, code, message);
        }
    }
    assert_eq!(app.count("deployments").await, 0);
}

#[tokio::test]
async fn a_bad_report_is_refused_by_field_and_stores_nothing() {
    let app = TestApp::start().await;
    let cases = [
        (json!({}), "status"),
        (json!({"status": "done"}), "status"),
        (json!({"status": "success", "stage": "x"}), "stage"),
        (json!({"status": "success", "external_id": " "}), "external_id"),
        (
            json!({"status": "success", "external_id": "x".repeat(256)}),
            "external_id",
        ),
        (
            json!({"status": "success", "external_id": "a\u{0}b"}),
            "external_id",
        ),
        (json!({"status": "success", "environment": ""}), "environment"),
        (json!({"status": "success", "name": "a\nb"}), "name"),
        (
            json!({"status": "success", "version": "x".repeat(201)}),
            "version",
        ),
        (
            json!({"status": "success", "commit_sha": "x".repeat(65)}),
            "commit_sha",
        ),
        (json!({"status": "success", "ref": 7}), "ref"),
        (json!({"status": "success", "url": "javascript:alert(1)"}), "url"),
        (json!({"status": "success", "at": "yesterday"}), "at"),
        (json!({"status": "success", "at": "2999-01-01T00:00:00Z"}), "at"),
        (json!({"status": "success", "attempt": 0}), "attempt"),
        (
            json!({"status": "success", "attempt": 99_999_999_999_i64}),
            "attempt",
        ),
        (
            json!({"status": "in_progress", "finished_at": "2026-03-01T10:00:00Z"}),
            "finished_at",
        ),
    ];
    for (body, field) in cases {
        let reply = app.ci().post(ROUTE, body.clone()).await;
        reply.assert_error(400, "VALIDATION_ERROR", "");
        let details = &reply.body["error"]["details"][0];
        let named = details["path"] == field || details["message"].as_str().unwrap().contains(field);
        assert!(named, "{body}: {}", reply.body);
    }
    assert_eq!(app.count("deployments").await, 0);
}

#[tokio::test]
async fn a_sender_that_repeats_itself_does_not_fill_the_history() {
    let app = TestApp::start().await;
    let ci = app.ci();
    for second in 0..130 {
        let at = format!("2026-03-01T10:{:02}:{:02}Z", second / 60, second % 60);
        ci.post(
            ROUTE,
            json!({"external_id": "b", "status": "in_progress", "at": at}),
        )
        .await;
    }
    let ended = ci
        .post(ROUTE, json!({"external_id": "b", "status": "success"}))
        .await;
    ended.assert_status(200);
    let deployment = app.deployment().await;
    let history = deployment["history"].as_array().unwrap();
    assert_eq!(history.len(), 101);
    assert_eq!(history[100]["status"], "success", "a change is always kept");
    assert_eq!(app.announced().await, ["in_progress", "success"]);
}

#[tokio::test]
async fn deployments_are_listed_in_pages_and_narrowed() {
    let app = TestApp::start().await;
    let ci = app.ci();
    let mut sent = Vec::new();
    for number in 0..7 {
        let (environment, status) = if number % 2 == 0 {
            ("production", "failure")
        } else {
            ("staging", "success")
        };
        let body = json!({"external_id": format!("b{number}"), "status": status, "environment": environment});
        ci.post(ROUTE, body).await.assert_status(201);
        sent.push(format!("b{number}"));
    }
    sent.reverse();
    let viewer = app.member(Role::Viewer);
    let ids = |rows: &Value| -> Vec<String> {
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["external_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = viewer.get(&format!("/api/deployments?limit=3{cursor}")).await;
        seen.extend(ids(&page.data()));
        match page.next_cursor() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, sent);
    let narrowed = [
        ("status=failure".to_owned(), 4),
        (format!("environment_id={}", app.org.staging), 3),
        (format!("service_id={}&status=success", app.org.service_id), 3),
        (format!("service_id={}", domain::ids::ServiceId::generate()), 0),
        (format!("environment_id={}&status=success", app.org.production), 0),
    ];
    for (query, count) in narrowed {
        let rows = viewer.get(&format!("/api/deployments?{query}")).await.data();
        assert_eq!(ids(&rows).len(), count, "{query}");
    }
    for (query, field) in [
        ("service_id=x", "service_id"),
        ("status=ok", "status"),
        ("limit=1001", "limit"),
    ] {
        let reply = viewer.get(&format!("/api/deployments?{query}")).await;
        reply.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(reply.body["error"]["details"][0]["path"], field);
    }
}
