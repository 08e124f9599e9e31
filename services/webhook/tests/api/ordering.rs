use domain::role::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Delivery, WorkflowRun};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::app::{Hook, TestApp};

const START: OffsetDateTime = datetime!(2026-03-01 10:00 UTC);

/// What one run tells: it fails, and succeeds when it is run again.
fn deliveries(hook: &Hook, run_id: u64, at: OffsetDateTime) -> Vec<Delivery> {
    let step = |attempt: u32, status: &str, conclusion: Option<&str>, second: i64| {
        let run = WorkflowRun {
            attempt,
            status: status.into(),
            conclusion: conclusion.map(str::to_owned),
            started_at: at + Duration::minutes(i64::from(attempt)),
            updated_at: at + Duration::minutes(i64::from(attempt)) + Duration::seconds(second),
            ..WorkflowRun::completed(run_id, "failure")
        };
        hook.github.workflow_run(&run)
    };
    vec![
        step(1, "queued", None, 0),
        step(1, "in_progress", None, 0),
        step(1, "completed", Some("failure"), 30),
        step(2, "queued", None, 0),
        step(2, "in_progress", None, 5),
        step(2, "completed", Some("success"), 40),
    ]
}

/// What must be the same for every order: all of it, without what is made anew for each.
fn comparable(mut deployment: Value) -> Value {
    let fields = deployment.as_object_mut().unwrap();
    for made in [
        "id",
        "external_id",
        "url",
        "commit_sha",
        "created_at",
        "updated_at",
    ] {
        fields.remove(made).unwrap();
    }
    for row in fields["history"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("recorded_at").unwrap();
    }
    deployment
}

async fn found(app: &TestApp, run_id: u64) -> Value {
    let all = app
        .member(Role::Viewer)
        .get("/api/deployments?limit=1000")
        .await
        .data();
    let external_id = format!("workflow_run:{run_id}");
    let one = all
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["external_id"] == *external_id);
    comparable(app.deployment_of(&one.unwrap()["id"]).await)
}

/// Permutations and repeats, from a small linear congruential generator, so that a failure can be seen again.
fn shuffled<T: Clone>(items: &[T], mut seed: u64) -> Vec<T> {
    let mut next = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut order = items.to_vec();
    for index in (1..order.len()).rev() {
        order.swap(index, next(index + 1));
    }
    for _ in 0..3 {
        let (from, to) = (next(order.len()), next(order.len() + 1));
        order.insert(to, order[from].clone());
    }
    order
}

#[tokio::test]
async fn a_runs_deliveries_end_in_the_same_state_in_every_order() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    for delivery in deliveries(&hook, 1, START) {
        assert_eq!(hook.told(&app, &delivery).await.0, "applied");
    }
    let expected = found(&app, 1).await;
    assert_eq!(
        (&expected["status"], &expected["attempt"]),
        (&json!("success"), &json!(2))
    );
    assert_eq!(expected["history"].as_array().unwrap().len(), 6);

    let mut reversed = deliveries(&hook, 2, START);
    reversed.reverse();
    for (number, delivery) in (1..).zip(&reversed) {
        let expected = if number == 1 { "applied" } else { "unchanged" };
        assert_eq!(hook.told(&app, delivery).await.0, expected);
    }
    assert_eq!(found(&app, 2).await, expected, "reversed");

    for seed in 3..20 {
        for delivery in shuffled(&deliveries(&hook, seed, START), seed) {
            // A repeat is a fresh delivery of an old body: its id alone would stop it.
            let fresh = Delivery {
                id: uuid::Uuid::new_v4().to_string(),
                ..delivery
            };
            hook.told(&app, &fresh).await;
        }
        assert_eq!(found(&app, seed).await, expected, "seed {seed}");
    }
}

#[tokio::test]
async fn deliveries_that_arrive_at_once_end_in_the_same_state_too() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    for delivery in deliveries(&hook, 1, START) {
        hook.told(&app, &delivery).await;
    }
    let expected = found(&app, 1).await;
    for run_id in 2..8 {
        let burst = shuffled(&deliveries(&hook, run_id, START), run_id);
        let told = join_all(burst.iter().map(|delivery| hook.told(&app, delivery))).await;
        let duplicates = told.iter().filter(|(status, _)| status == "duplicate").count();
        assert_eq!(duplicates, 3, "{told:?}");
        assert_eq!(found(&app, run_id).await, expected, "run {run_id}");
    }
}

#[tokio::test]
async fn every_change_is_announced_and_nothing_else() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let mut applied = 0;
    for run_id in 1..6 {
        for delivery in shuffled(&deliveries(&hook, run_id, START), run_id) {
            applied += usize::from(hook.told(&app, &delivery).await.0 == "applied");
        }
    }
    assert_eq!(app.announced().await.len(), applied);
    assert_eq!(app.count("outbox").await, applied);
}
