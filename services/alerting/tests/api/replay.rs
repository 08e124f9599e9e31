//! Rules tried on history.

use domain::level::Level;
use domain::role::Role;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::test_app::{TestApp, text};

/// Everything that a rule decided, in the words of a backtest; what people's hands did is not among it.
pub(crate) async fn live(app: &TestApp, rule: &str) -> Vec<(String, String, String)> {
    let sql =
        "SELECT environment_id::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS'), transition
        FROM alert_transitions WHERE rule_id = $1 ORDER BY at, environment_id, id";
    let id: Uuid = rule.parse().unwrap();
    let rows = app.db.owner().await.query(sql, &[&id]).await.unwrap();
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

pub(crate) async fn replayed(app: &TestApp, rule: &str) -> Vec<(String, String, String)> {
    let body = json!({"rule_id": rule, "days": 1});
    let tested = app
        .as_role(Role::Viewer)
        .post("/api/alerts/backtest", body)
        .await
        .assert_status(200)
        .data();
    let transitions = tested["candidate"]["transitions"].as_array().unwrap();
    let mut all: Vec<(String, String, String)> = transitions
        .iter()
        .map(|one| {
            let at: String = text(&one["at"]).chars().take(19).collect();
            (text(&one["environment_id"]), at, text(&one["transition"]))
        })
        .collect();
    all.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    all
}

#[tokio::test]
async fn a_backtest_finds_what_fired_live_transition_by_transition() {
    let app = TestApp::start().await;
    let rule = |name: &str, kind: &str, params: Value, hold: i32, cooldown: i32| {
        json!({"name": name, "type": kind, "params": params, "severity": "low", "service_id": app.org.service_id,
            "for_seconds": hold, "cooldown_seconds": cooldown})
    };
    let wanted = [
        rule(
            "count",
            "error_count",
            json!({"threshold": 8, "window_seconds": 20}),
            0,
            0,
        ),
        rule(
            "held",
            "error_count",
            json!({"threshold": 4, "window_seconds": 30}),
            20,
            120,
        ),
        rule(
            "rate",
            "error_rate",
            json!({"threshold_percent": 30, "window_seconds": 30, "min_lines": 5}),
            0,
            0,
        ),
        rule("silence", "silence", json!({"window_seconds": 60}), 0, 0),
        rule("failure", "deployment_failure", json!({}), 0, 0),
        rule(
            "regression",
            "deploy_regression",
            json!({"window_seconds": 60, "min_errors": 5, "factor": 1.5}),
            0,
            0,
        ),
    ];
    let mut rules = Vec::new();
    for one in wanted {
        rules.push(app.rule(one).await);
    }
    let mut random = StdRng::seed_from_u64(7);
    let mut busy = true;
    for _ in 0..60 {
        if random.random_bool(0.15) {
            busy = !busy;
        }
        for environment in [app.org.production, app.org.staging] {
            if busy && random.random_bool(0.7) {
                app.arrive(environment, Level::Info, random.random_range(1..8))
                    .await;
            }
            if busy && random.random_bool(0.5) {
                app.arrive(environment, Level::Error, random.random_range(1..7))
                    .await;
            }
        }
        if random.random_bool(0.15) {
            app.deployed(
                if random.random_bool(0.6) {
                    "success"
                } else {
                    "failure"
                },
                0,
            )
            .await;
        }
        // Nobody looks for a while, now and then.
        if random.random_bool(0.7) {
            app.sweep().await;
        }
        app.pass(5 * random.random_range(1..6)).await;
    }
    app.pass(300).await;
    app.sweep().await;
    let mut kinds = std::collections::BTreeSet::new();
    for rule in &rules {
        let (live, replayed) = (live(&app, rule).await, replayed(&app, rule).await);
        assert!(
            live.len() >= 2,
            "{rule} must have done something to compare: {live:?}"
        );
        let until = live.last().map(|(_, at, _)| at.clone()).unwrap();
        // What the last moments brought after the last look.
        let replayed: Vec<_> = replayed.into_iter().filter(|(_, at, _)| *at <= until).collect();
        assert_eq!(live, replayed, "of rule {rule}");
        kinds.extend(live.into_iter().map(|(.., transition)| transition));
    }
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["dropped", "ended", "fired", "held", "pending"]
    );
}

#[tokio::test]
async fn a_change_is_compared_with_the_rule_in_force_and_known_incidents() {
    let app = TestApp::start().await;
    let rule = app.error_rule(json!({})).await;
    app.errors(5).await;
    app.sweep().await;
    app.pass(60).await;
    app.sweep().await;
    app.pass(30).await;
    app.sweep().await;
    let draft = json!({"type": "error_count", "params": {"threshold": 50, "window_seconds": 10},
        "service_id": app.org.service_id});
    let body = json!({"rule_id": rule, "draft": draft, "days": 7});
    let tested = app
        .as_role(Role::Viewer)
        .post("/api/alerts/backtest", body)
        .await
        .assert_status(200)
        .data();
    assert_eq!(tested["candidate"]["episode_count"], 0);
    assert_eq!(tested["in_force"]["episode_count"], 1);
    assert_eq!(tested["in_force"]["pages_per_week"], 1.0);
    assert_eq!(tested["in_force"]["episodes"][0]["peak"], 5.0);
    let incident = &tested["incidents"][0];
    assert_eq!(
        (&incident["caught"], &incident["caught_in_force"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(tested["candidate"]["incidents_missed"], 1);
}

#[tokio::test]
async fn a_preview_shows_the_value_over_time_beside_its_threshold() {
    let app = TestApp::start().await;
    app.errors(7).await;
    app.lines("timeout", json!({"provider": "adyen"}), 4).await;
    app.pass(30).await;
    let viewer = app.as_role(Role::Viewer);
    let draft = json!({"type": "error_count", "params": {"threshold": 5, "window_seconds": 60},
        "service_id": app.org.service_id});
    let shown = viewer
        .post("/api/alerts/preview", json!({"draft": draft}))
        .await
        .assert_status(200)
        .data();
    assert_eq!(shown["threshold"], 5.0);
    let points = shown["series"][0]["points"].as_array().unwrap();
    assert!(points.len() <= 301, "{}", points.len());
    assert_eq!(
        shown["series"][0]["environment_id"],
        json!(app.org.production),
        "the worst comes first"
    );
    let last = points.last().unwrap();
    assert_eq!((&last["value"], &last["holds"]), (&json!(7.0), &json!(true)));
    assert_eq!(points[0]["value"], 0.0);
    let draft = json!({"type": "log_query", "params": {"q": "timeout", "threshold": 2, "window_seconds": 60,
        "group_by": ["provider"]}});
    let shown = viewer
        .post("/api/alerts/preview", json!({"draft": draft}))
        .await
        .assert_status(200)
        .data();
    assert_eq!(shown["series"][0]["group"], json!({"provider": "adyen"}));
    let values = shown["series"][0]["points"].as_array().unwrap();
    assert!(values.iter().any(|point| point["value"] == 4.0));
}

#[tokio::test]
async fn a_wrong_question_about_history_is_named() {
    let app = TestApp::start().await;
    let good = json!({"type": "error_count", "params": {"threshold": 5, "window_seconds": 60}});
    let developer = app.developer();
    for (body, path) in [
        (json!({"draft": good, "days": 0}), "days"),
        (json!({"draft": good, "days": 31}), "days"),
        (json!({"days": 1}), "draft"),
        (
            json!({"draft": {"type": "error_count", "params": {}}, "days": 1}),
            "draft.params.threshold",
        ),
    ] {
        let refused = developer.post("/api/alerts/backtest", body).await;
        refused.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(
            refused.body["error"]["details"][0]["path"], path,
            "{}",
            refused.body
        );
    }
    let unknown = json!({"rule_id": Uuid::new_v4(), "days": 1});
    developer
        .post("/api/alerts/backtest", unknown)
        .await
        .assert_status(404);
    let future = json!({"draft": good, "from": "2999-01-01T00:00:00Z"});
    developer
        .post("/api/alerts/preview", future)
        .await
        .assert_error(400, "VALIDATION_ERROR", "from");
}
