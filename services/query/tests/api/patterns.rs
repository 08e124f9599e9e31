//! Patterns, what changed, `| patterns`, and Loki's patterns.

use domain::level::Level;
use domain::scope::Scope;
use serde_json::{Value, json};
use testkit::{Client, Fixture};
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;

use crate::test_app::{TestApp, now, rfc3339};

/// Two services: `default` ships orders for hours, and has failed since half an hour ago; `billing` is quiet.
struct Shop {
    app: TestApp,
    org: Fixture,
    viewer: Client,
    scope: Scope,
    now: OffsetDateTime,
}

impl Shop {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let (org, viewer) = app.org().await;
        let now = now();
        let scope = org.scope();
        let mut lines: Vec<(OffsetDateTime, Level, String)> = Vec::new();
        for number in 0..120 {
            let at = now - Duration::minutes(number) - Duration::seconds(1);
            lines.push((at, Level::Info, format!("order {number} shipped")));
        }
        for number in 0..30 {
            let at = now - Duration::minutes(number) - Duration::seconds(2);
            let message = format!("payment for order {number} failed: card_declined");
            lines.push((at, Level::Error, message));
        }
        store(&app, scope, &lines).await;
        let (billing, [environment, _]) = org.insert_service(&app.db, "billing").await;
        let quiet = Scope {
            service_id: billing,
            environment_id: environment,
            ..scope
        };
        let line = (
            now - Duration::minutes(90),
            Level::Warn,
            "invoice 7 is late".to_owned(),
        );
        store(&app, quiet, &[line]).await;
        Self {
            app,
            org,
            viewer,
            scope,
            now,
        }
    }

    async fn get(&self, path: &str, params: &[(&str, &str)]) -> testkit::Reply {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(params);
        self.viewer.get(&format!("{path}?{}", query.finish())).await
    }

    async fn patterns(&self, params: &[(&str, &str)]) -> Value {
        self.get("/api/logs/patterns", params).await.data()
    }

    async fn changes(&self, params: &[(&str, &str)]) -> Value {
        self.get("/api/logs/changes", params).await.data()
    }

    /// A deployment of `default` to production that began half an hour ago.
    async fn deploy(&self) -> String {
        let sql = "INSERT INTO deployments (org_id, id, service_id, environment_id, provider, external_id, status, status_at,
                       started_at)
                   VALUES ($1, $2, $2, $3, 'api', 'x', 'success', now(), $4)";
        let began = self.now - Duration::minutes(30);
        let owner = self.app.db.owner().await;
        owner
            .execute(
                sql,
                &[
                    &self.scope.org_id,
                    &self.scope.service_id,
                    &self.scope.environment_id,
                    &began,
                ],
            )
            .await
            .unwrap();
        self.scope.service_id.to_string()
    }
}

async fn store(app: &TestApp, scope: Scope, lines: &[(OffsetDateTime, Level, String)]) {
    let lines: Vec<(OffsetDateTime, Level, &str)> = lines
        .iter()
        .map(|(ts, level, message)| (*ts, *level, message.as_str()))
        .collect();
    app.store(scope, &lines).await;
}

fn texts(data: &Value) -> Vec<(&str, u64)> {
    let patterns = data["patterns"].as_array().unwrap();
    patterns
        .iter()
        .map(|pattern| {
            (
                pattern["text"].as_str().unwrap(),
                pattern["count"].as_u64().unwrap(),
            )
        })
        .collect()
}

const SHIPPED: &str = "order <*> shipped";
const DECLINED: &str = "payment for order <*> failed: card_declined";
const LATE: &str = "invoice <*> is late";

#[tokio::test]
async fn patterns_count_every_line_and_lead_to_their_lines() {
    let shop = Shop::open().await;
    let data = shop.patterns(&[]).await;
    assert_eq!(texts(&data), [(SHIPPED, 120), (DECLINED, 30), (LATE, 1)]);
    assert_eq!(
        (&data["lines"], &data["other"], &data["rest_lines"]),
        (&json!(151), &json!(0), &json!(0))
    );
    assert_eq!(data["mined"], json!(151), "nothing is merged yet");
    let declined = &data["patterns"][1];
    assert_eq!(declined["level"], "error");
    assert_eq!(declined["by_level"], json!({"error": 30}));
    assert_eq!(declined["service"], "default");
    assert_eq!(declined["sample_level"], "error");
    assert!((declined["share"].as_f64().unwrap() - 30.0 / 151.0).abs() < 1e-9);
    let counts = declined["counts"].as_array().unwrap();
    assert_eq!(counts.len(), data["starts"].as_array().unwrap().len());
    assert_eq!(counts.iter().filter_map(Value::as_u64).sum::<u64>(), 30);
    let found = shop
        .get("/api/logs/query", &[("q", declined["query"].as_str().unwrap())])
        .await;
    assert_eq!(found.data().as_array().unwrap().len(), 30);

    let errors = shop.patterns(&[("level", "error,fatal")]).await;
    assert_eq!(texts(&errors), [(DECLINED, 30)]);
    let billing = shop.patterns(&[("service", "billing")]).await;
    assert_eq!(texts(&billing), [(LATE, 1)]);
    let query = shop.patterns(&[("q", "order -shipped")]).await;
    assert_eq!(
        (texts(&query), &query["mined"]),
        (vec![(DECLINED, 30)], &json!(30))
    );
    let few = shop.patterns(&[("limit", "1")]).await;
    assert_eq!(texts(&few), [(SHIPPED, 120)]);
    assert_eq!(
        (&few["rest_patterns"], &few["rest_lines"]),
        (&json!(2), &json!(31))
    );
}

#[tokio::test]
async fn new_patterns_are_those_first_seen_since_a_moment_or_a_deployment() {
    let shop = Shop::open().await;
    let newest = shop.patterns(&[("sort", "newest")]).await;
    assert_eq!(texts(&newest)[0], (DECLINED, 30));
    let new = shop.patterns(&[("new_since", "-31m")]).await;
    assert_eq!(texts(&new), [(DECLINED, 30)]);
    assert_eq!(new["rest_lines"], json!(121));
    assert_eq!(texts(&shop.patterns(&[("new_since", "-1m")]).await), []);
    let deployment = shop.deploy().await;
    let new = shop.patterns(&[("deployment_id", &deployment)]).await;
    assert_eq!(texts(&new), [(DECLINED, 30)]);
    assert_eq!(new["lines"], json!(150), "of its service alone");

    for (params, field) in [
        ([("sort", "best")], "sort"),
        ([("limit", "0")], "limit"),
        ([("new_since", "soon")], "new_since"),
        ([("q", "a | patterns")], "q"),
    ] {
        let reply = shop.get("/api/logs/patterns", &params).await;
        reply.assert_error(400, "VALIDATION_ERROR", field);
    }
    let (stranger, _) = shop.app.org().await;
    let id = stranger.service_id.to_string();
    for path in ["/api/logs/patterns", "/api/logs/changes"] {
        let reply = shop.get(path, &[("deployment_id", &id)]).await;
        reply.assert_error(404, "NOT_FOUND", "deployment");
    }
}

#[tokio::test]
async fn what_changed_since_a_deployment_is_told() {
    let shop = Shop::open().await;
    let deployment = shop.deploy().await;
    let data = shop
        .changes(&[("deployment_id", &deployment), ("around", "30m")])
        .await;
    assert_eq!(
        (&data["before"]["lines"], &data["after"]["lines"]),
        (&json!(30), &json!(60))
    );
    let changed = data["patterns"].as_array().unwrap();
    assert_eq!(changed.len(), 1, "{changed:?}");
    let new = &changed[0];
    assert_eq!((&new["kind"], &new["text"]), (&json!("new"), &json!(DECLINED)));
    assert_eq!(
        (&new["lines_before"], &new["lines_after"], &new["ratio"]),
        (&json!(0), &json!(30), &json!(null))
    );
    assert_eq!(new["never_seen_before"], json!(true));
    assert_eq!(data["unchanged_patterns"], json!(1));
    let values = data["values"].as_array().unwrap();
    let leaning: Vec<_> = values
        .iter()
        .map(|value| (&value["value"], &value["query"]))
        .collect();
    assert!(
        leaning.contains(&(&json!("error"), &json!("level:error"))),
        "{leaning:?}"
    );

    // The other way round it is gone.
    let [from, middle, to] = [60, 30, 0].map(|minutes| rfc3339(shop.now - Duration::minutes(minutes)));
    let data = shop
        .changes(&[
            ("from", &from),
            ("to", &middle),
            ("before_from", &middle),
            ("before_to", &to),
            ("fields", "none"),
        ])
        .await;
    let kinds: Vec<_> = data["patterns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["kind"])
        .collect();
    assert_eq!(kinds, ["gone"]);
    assert_eq!(data["values"], json!([]));

    for (params, field) in [
        ([("around", "8d")], "around"),
        ([("limit", "201")], "limit"),
        ([("before_from", "now")], "before_from"),
        ([("fields", "message")], "fields"),
    ] {
        let reply = shop.get("/api/logs/changes", &params).await;
        reply.assert_error(400, "VALIDATION_ERROR", field);
    }
}

#[tokio::test]
async fn the_pipe_makes_a_table_of_patterns() {
    let shop = Shop::open().await;
    let data = shop.get("/api/logs/stats", &[("q", "| patterns")]).await.data();
    let rows = data["rows"].as_array().unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (&row[1], &row[2], &row[3])).collect();
    assert_eq!(
        rows,
        [
            (&json!("default"), &json!(SHIPPED), &json!(120)),
            (&json!("default"), &json!(DECLINED), &json!(30)),
            (&json!("billing"), &json!(LATE), &json!(1)),
        ]
    );
    assert_eq!(data["lines"], json!(151));
    let data = shop
        .get("/api/logs/stats", &[("q", "level:error | patterns")])
        .await
        .data();
    assert_eq!(
        (&data["rows"][0][3], &data["approximate"]),
        (&json!(30), &json!([]))
    );
}

#[tokio::test]
async fn loki_clients_get_patterns() {
    let shop = Shop::open().await;
    let get = async |params: &[(&str, &str)]| shop.get("/loki/api/v1/patterns", params).await;
    let reply = get(&[
        ("query", r#"{service_name="default", level="error"}"#),
        ("since", "2h"),
    ])
    .await;
    let body = &reply.assert_status(200).body;
    assert_eq!(body["status"], "success");
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    let pattern = &body["data"][0];
    assert_eq!(pattern["pattern"], "payment for order <_> failed: card_declined");
    let samples = pattern["samples"].as_array().unwrap();
    let sum: u64 = samples.iter().filter_map(|sample| sample[1].as_u64()).sum();
    assert_eq!(sum, 30);
    assert!(
        samples
            .iter()
            .all(|sample| sample[0].as_i64().unwrap() % 300 == 0)
    );
    let reply = get(&[("query", r#"{service_name="default"} |= "x""#)]).await;
    assert_eq!(reply.status, 400);
    let (_, stranger) = shop.app.org().await;
    let reply = stranger.get("/loki/api/v1/patterns").await;
    assert_eq!(reply.assert_status(200).body["data"], json!([]));
    assert_eq!(shop.org.org_id, shop.scope.org_id);
}
