use domain::role::Role;
use serde_json::json;
use testkit::{Proxy, Reply, TestDb, WorkflowRun, eventually};

use crate::app::{TestApp, config};

const DEADLINE: std::time::Duration = std::time::Duration::from_secs(20);

/// Makes writes to a table fail, as a crash between two statements would leave it.
async fn break_table(app: &TestApp, table: &str) {
    app.execute(&format!(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken on purpose'; END $$;
         GRANT EXECUTE ON FUNCTION fail TO sightline_webhook;
         CREATE TRIGGER fail BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
    ))
    .await;
}

async fn mend_table(app: &TestApp, table: &str) {
    app.execute(&format!("DROP TRIGGER fail ON {table}; DROP FUNCTION fail()"))
        .await;
}

#[tokio::test]
async fn a_delivery_whose_effect_or_record_fails_leaves_nothing_and_can_be_sent_again() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let tables = [
        "deployments",
        "deployment_status_history",
        "outbox",
        "webhook_deliveries",
    ];
    for (run_id, table) in (1..).zip(tables) {
        let delivery = hook
            .github
            .workflow_run(&WorkflowRun::completed(run_id, "failure"));
        let before = app.deployments().await;
        break_table(&app, table).await;
        let reply = hook.send(&app, &delivery).await;
        reply.assert_error(500, "INTERNAL_ERROR", "report the correlation id");
        assert!(!reply.body.to_string().contains("on purpose"));
        mend_table(&app, table).await;
        assert_eq!(app.deployments().await, before, "{table}");
        assert_eq!(
            app.count("webhook_deliveries").await,
            run_id as usize - 1,
            "{table}"
        );
        assert_eq!(hook.told(&app, &delivery).await.0, "applied", "{table}");
    }
    assert_eq!(app.announced().await.len(), tables.len());
}

#[tokio::test]
async fn a_replay_that_fails_leaves_the_delivery_as_it_was() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    hook.told(
        &app,
        &hook.github.workflow_run(&WorkflowRun::completed(1, "failure")),
    )
    .await;
    let developer = app.member(Role::Developer);
    let before = developer.get("/api/webhooks/deliveries").await.data();
    break_table(&app, "audit_logs").await;
    let replay = format!(
        "/api/webhooks/deliveries/{}/replay",
        before[0]["id"].as_str().unwrap()
    );
    developer
        .post(&replay, json!({}))
        .await
        .assert_error(500, "INTERNAL_ERROR", "");
    assert_eq!(developer.get("/api/webhooks/deliveries").await.data(), before);
}

#[tokio::test]
async fn without_postgresql_senders_are_told_to_come_back() {
    let db = TestDb::create().await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_webhook")).await;
    let app = TestApp::start_with(|config| config.common.database_url = url.clone().into()).await;
    // The app's own database is another one: only the fixture of this one counts.
    let org = testkit::Fixture::org(&db).await;
    let hook = app.connect_service(&org, org.service_id, json!({})).await;
    let delivery = hook.github.workflow_run(&WorkflowRun::completed(1, "failure"));
    let ci = app.anyone.with_api_key(org.api_key());
    let viewer = app.member_of(&org, Role::Viewer);

    proxy.cut();
    let assert_later = |reply: Reply| {
        reply.assert_error(503, "UNAVAILABLE", "try again");
        assert!(!reply.header("retry-after").is_empty());
    };
    assert_later(hook.send(&app, &delivery).await);
    assert_later(ci.post("/api/v1/deployments", json!({"status": "success"})).await);
    assert_later(viewer.get("/api/deployments").await);
    app.anyone.get("/readyz").await.assert_status(503);
    app.anyone.get("/healthz").await.assert_status(200);

    proxy.pass();
    eventually(DEADLINE, "the service to be ready again", async || {
        let reply = app.anyone.get("/readyz").await;
        if reply.is_success() {
            Ok(())
        } else {
            Err(reply.body)
        }
    })
    .await;
    assert_eq!(hook.told(&app, &delivery).await.0, "applied");
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_recognised_when_it_is_sent_again() {
    let db = TestDb::create().await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_webhook")).await;
    let app = TestApp::start_with(|config| config.common.database_url = url.clone().into()).await;
    let org = testkit::Fixture::org(&db).await;
    let hook = app.connect_service(&org, org.service_id, json!({})).await;
    let delivery = hook.github.workflow_run(&WorkflowRun::completed(1, "failure"));
    let stored = async || {
        let owner = db.owner().await;
        let row = owner
            .query_one("SELECT count(*) FROM webhook_deliveries", &[])
            .await
            .unwrap();
        row.get::<_, i64>(0)
    };
    // The commit is held up by a lock that is released once PostgreSQL's answers do not get through any more.
    let mut holder = db.owner().await;
    let lock = holder.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE outbox IN EXCLUSIVE MODE")
        .await
        .unwrap();
    let sending = hook.send(&app, &delivery);
    let cutting = async {
        eventually(DEADLINE, "the delivery to wait for the lock", async || {
            let owner = db.owner().await;
            let sql = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass";
            owner
                .query_opt(sql, &[])
                .await
                .unwrap()
                .map(drop)
                .ok_or("nobody waits")
        })
        .await;
        proxy.lose_answers();
        lock.commit().await.unwrap();
    };
    let answered = async {
        let (reply, ()) = tokio::join!(sending, cutting);
        reply
    };
    let reply = tokio::time::timeout(std::time::Duration::from_secs(3), answered).await;
    // Either the sender gave up, or it was told that something broke; it was never told that all is well.
    assert!(reply.is_err() || !reply.unwrap().is_success());
    proxy.cut();
    proxy.pass();
    let reply = eventually(DEADLINE, "an answer to the second try", async || {
        let reply = hook.send(&app, &delivery).await;
        if reply.is_success() {
            Ok(reply)
        } else {
            Err(reply.body)
        }
    })
    .await;
    assert!(["applied", "duplicate"].contains(&reply.data()["status"].as_str().unwrap()));
    assert_eq!(stored().await, 1);
}

#[tokio::test]
async fn a_service_starts_while_postgresql_is_away() {
    let running = webhook::start(config("postgres://nobody:x@127.0.0.1:9/none".into()))
        .await
        .unwrap();
    let anyone = testkit::Client::new(format!("http://{}", running.addr));
    anyone.get("/healthz").await.assert_status(200);
    anyone.get("/readyz").await.assert_status(503);
}

#[tokio::test]
async fn deliveries_older_than_the_retention_are_forgotten_and_deployments_kept() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let (old, new) = (
        hook.github.workflow_run(&WorkflowRun::completed(1, "failure")),
        hook.github.ping(),
    );
    hook.told(&app, &old).await;
    hook.told(&app, &new).await;
    app.execute(&format!(
        "UPDATE webhook_deliveries SET created_at = now() - interval '30 days 1 hour' WHERE delivery_id = '{}'",
        old.id
    ))
    .await;
    let restarted = webhook::start(config(app.db.url_for("sightline_webhook")))
        .await
        .unwrap();
    eventually(DEADLINE, "the old delivery to be deleted", async || {
        let left = app.column("SELECT delivery_id FROM webhook_deliveries").await;
        if left == [new.id.clone()] {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    })
    .await;
    assert_eq!(app.count("deployments").await, 1);
    restarted.stop().await.unwrap();
}
