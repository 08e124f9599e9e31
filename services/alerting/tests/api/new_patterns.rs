//! Errors of a pattern that is new, live and on history.

use domain::level::Level;
use domain::role::Role;
use logstore::compactor::{Compactor, CompactorConfig};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use testkit::Receiver;

use crate::replay::{live, replayed};
use crate::rule_files::{actions, apply, exported};
use crate::test_app::{TestApp, list, text};

async fn rule(app: &TestApp, params: Value) -> String {
    named_rule(app, "new error", params).await
}

async fn named_rule(app: &TestApp, name: &str, params: Value) -> String {
    app.rule(
        json!({"name": name, "type": "new_pattern", "params": params, "severity": "high",
        "service_id": app.org.service_id}),
    )
    .await
}

/// Merges whatever lines there are.
pub(crate) async fn merge(app: &TestApp) -> u64 {
    let config = CompactorConfig {
        rows_after: std::time::Duration::ZERO,
        fresh_after: std::time::Duration::ZERO,
        eager: true,
        ..CompactorConfig::default()
    };
    let mut compactor = Compactor::new(app.db.db("sightline_compactor"), config);
    let report = compactor.round().await.unwrap().unwrap();
    compactor.step_down().await.unwrap();
    report.lines
}

fn titles(incidents: &[Value]) -> Vec<String> {
    let mut titles: Vec<String> = incidents.iter().map(|one| text(&one["title"])).collect();
    titles.sort();
    titles
}

#[tokio::test]
async fn each_new_pattern_is_a_problem_of_its_own_and_says_what_it_is() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    app.failing("order 17 failed: no stock", 1).await;
    app.pass(7_200).await;
    let id = rule(&app, json!({"min_count": 2, "window_minutes": 60})).await;
    app.failing("disk sda1 is full", 1).await;
    app.failing("order 18 failed: no stock", 5).await;
    assert_eq!(
        app.sweep().await["opened"],
        0,
        "one is not enough, the other known"
    );
    app.failing("disk sdb2 is full", 1).await;
    assert_eq!(app.sweep().await["opened"], 1);
    app.failing("cannot reach \"billing\" at 10.0.0.7:8080", 3).await;
    assert_eq!(app.sweep().await["opened"], 1);
    let incidents = app.incidents().await;
    let found = titles(&incidents);
    assert!(
        found[0].starts_with("new error: cannot reach \"<*>\" at <*>"),
        "{found:?}"
    );
    assert!(found[1].starts_with("new error: disk <*> is full"), "{found:?}");
    let disk = incidents
        .iter()
        .find(|one| text(&one["title"]).contains("disk"))
        .unwrap();
    let summary = text(&disk["summary"]);
    assert!(
        summary.starts_with("2 errors in the last 60 min (threshold 2) of a pattern that was never seen before: disk <*> is full"),
        "{summary}"
    );
    let firing = &app.developer().get(&format!("/api/alerts/{id}")).await.data()["firings"];
    let firing = list(firing.clone());
    let firing = firing
        .iter()
        .find(|one| one["group"]["template"] == "disk <*> is full")
        .unwrap();
    let pattern = text(&firing["group"]["pattern"]);
    let sql = format!("SELECT count(*) FROM incidents WHERE fingerprint LIKE '%/{pattern}'");
    assert_eq!(app.count(&sql).await, 1);
    assert!(summary.contains(&pattern));
    app.everything_is_told().await;
    let path = format!("/api/incidents/{}/explain", text(&disk["id"]));
    let explained = app.developer().get(&path).await.data();
    let step = &explained["notifications"][0]["steps"][0];
    assert!(text(&step["message"]).contains(&pattern), "{step}");
    let lines = text(&step["lines"]);
    assert!(
        lines.starts_with("/logs?q=service%3A") && lines.contains("is+full"),
        "{lines}"
    );
    // The window is over: it is known.
    app.pass(4_000).await;
    assert_eq!(app.sweep().await["resolved"], 2);
    app.failing("disk sdc3 is full", 9).await;
    assert_eq!(app.sweep().await["opened"], 0);
}

#[tokio::test]
async fn what_is_known_does_not_depend_on_whether_it_was_merged() {
    let app = TestApp::start().await;
    rule(&app, json!({"min_count": 3, "window_minutes": 30})).await;
    app.failing("cache node n1 left", 2).await;
    app.sweep().await;
    assert_eq!(merge(&app).await, 2);
    app.sweep().await;
    app.failing("cache node n2 left", 1).await;
    assert_eq!(
        app.sweep().await["opened"],
        1,
        "merged and loose lines add up, each once"
    );
    merge(&app).await;
    app.pass(60).await;
    assert_eq!(app.sweep().await["opened"], 0);
    app.pass(3_600).await;
    assert_eq!(app.sweep().await["resolved"], 1);
    app.failing("cache node n3 left", 5).await;
    assert_eq!(app.sweep().await["opened"], 0, "known from what was merged");
}

#[tokio::test]
async fn a_late_line_is_as_new_as_any_other() {
    let app = TestApp::start().await;
    rule(&app, json!({"min_count": 1, "window_minutes": 5})).await;
    app.sweep().await;
    app.failing("queue jobs-7 is stuck", 1).await;
    let owner = app.db.owner().await;
    owner
        .batch_execute("UPDATE logs SET ts = ts - interval '20 hours'")
        .await
        .unwrap();
    merge(&app).await;
    assert_eq!(app.sweep().await["opened"], 1);
}

#[tokio::test]
async fn lines_below_error_and_names_in_known_patterns_are_no_news() {
    let app = TestApp::start().await;
    for name in ["alice", "bob"] {
        app.failing(&format!("user {name} was not found in tenant"), 1)
            .await;
    }
    app.pass(7_200).await;
    rule(&app, json!({"min_count": 1, "window_minutes": 60})).await;
    app.lines("a new feature was used", json!({}), 9).await;
    let owner = app.db.owner().await;
    owner
        .batch_execute("UPDATE logs SET level = 2 WHERE message LIKE 'a new%'")
        .await
        .unwrap();
    app.arrive(app.org.production, Level::Info, 9).await;
    app.failing("user carol was not found in tenant", 9).await;
    assert_eq!(app.sweep().await["opened"], 0);
}

#[tokio::test]
async fn a_deployment_forgets_what_came_before_it() {
    let app = TestApp::start().await;
    app.failing("payment 1 declined", 1).await;
    app.pass(3_600).await;
    app.deployed("success", 0).await;
    app.pass(3_600).await;
    for since in [
        json!("last_deployment"),
        json!("previous_deployment"),
        json!({"days": 1}),
    ] {
        let params = json!({"since": since, "min_count": 1, "window_minutes": 10});
        named_rule(&app, &since.to_string(), params).await;
    }
    app.failing("payment 2 declined", 1).await;
    app.sweep().await;
    let incidents = app.incidents().await;
    assert_eq!(incidents.len(), 1);
    assert!(text(&incidents[0]["summary"]).contains("that was not seen since the last deployment"));
}

#[tokio::test]
async fn a_backtest_of_new_patterns_finds_what_fired_live() {
    let app = TestApp::start().await;
    let mut rules = Vec::new();
    for params in [
        json!({"min_count": 2, "window_minutes": 20}),
        json!({"since": "last_deployment", "min_count": 1, "window_minutes": 5}),
    ] {
        rules.push(named_rule(&app, &params.to_string(), params).await);
    }
    let mut random = StdRng::seed_from_u64(11);
    let kinds = [
        "disk N is full",
        "the lease of worker N was lost",
        "socket N closed before the answer",
        "index N must be built anew, since it is corrupt",
        "no route to N",
        "payment N was declined by the bank",
        "queue N holds more than it may",
        "clock of host N is ahead",
    ];
    for _ in 0..25 {
        for _ in 0..random.random_range(0..3) {
            let kind = kinds[random.random_range(0..kinds.len())];
            let message = kind.replace('N', &random.random_range(0..100).to_string());
            app.failing(&message, random.random_range(1..3)).await;
        }
        if random.random_bool(0.1) {
            app.deployed("success", 0).await;
        }
        if random.random_bool(0.2) {
            merge(&app).await;
        }
        if random.random_bool(0.7) {
            app.sweep().await;
        }
        // Whole minutes: what is counted by the minute stays in its bin.
        app.pass(60 * random.random_range(1..4)).await;
    }
    // Moments that lie further back than a quarter of an hour are left out after a stop.
    for _ in 0..3 {
        app.pass(600).await;
        app.sweep().await;
    }
    for rule in &rules {
        let (mut live, mut replayed) = (live(&app, rule).await, replayed(&app, rule).await);
        // Patterns of one environment may change at one moment, in no order.
        for all in [&mut live, &mut replayed] {
            all.sort_by(|one, other| (&one.1, &one.0, &one.2).cmp(&(&other.1, &other.0, &other.2)));
        }
        assert!(live.len() >= 6, "{live:?}");
        let until = live.last().map(|(_, at, _)| at.clone()).unwrap();
        let replayed: Vec<_> = replayed.into_iter().filter(|(_, at, _)| *at <= until).collect();
        assert_eq!(live, replayed, "of rule {rule}");
    }
}

#[tokio::test]
async fn a_draft_is_shown_on_history_and_a_file_of_rules_takes_it() {
    let app = TestApp::start().await;
    app.failing("thread pool exhausted after 30 s", 4).await;
    merge(&app).await;
    app.pass(1_800).await;
    let params = json!({"since": {"days": 7}, "min_count": 3, "window_minutes": 15});
    let viewer = app.as_role(Role::Viewer);
    let draft = json!({"type": "new_pattern", "params": params, "service_id": app.org.service_id});
    let shown = viewer
        .post("/api/alerts/preview", json!({"draft": draft}))
        .await
        .assert_status(200)
        .data();
    assert_eq!(shown["threshold"], 3.0);
    assert_eq!(
        shown["series"][0]["group"]["template"],
        "thread pool exhausted after <*> s"
    );
    let points = list(shown["series"][0]["points"].clone());
    assert!(
        points
            .iter()
            .any(|point| point["holds"] == true && point["value"] == 4.0)
    );
    let tested = viewer
        .post("/api/alerts/backtest", json!({"draft": draft, "days": 1}))
        .await
        .assert_status(200)
        .data();
    assert_eq!(tested["candidate"]["episode_count"], 1);
    let file = "version: 1\nrules:\n  - name: from a file\n    type: new_pattern\n    severity: medium\n    \
                params: {since: {days: 7}, min_count: 3, window_minutes: 15}\n";
    let applied = apply(&app, file, json!({})).await;
    assert_eq!(
        actions(&applied),
        [("from a file".to_owned(), "create".to_owned())]
    );
    assert_eq!(
        actions(&apply(&app, &exported(&app).await, json!({})).await)[0].1,
        "unchanged"
    );
    let made = rule(&app, params.clone()).await;
    let stored = app.developer().get(&format!("/api/alerts/{made}")).await.data();
    assert_eq!(stored["params"], params);
    let versions = app
        .developer()
        .get(&format!("/api/alerts/{made}/versions"))
        .await
        .data();
    assert_eq!(versions[0]["definition"]["params"], params);
}
