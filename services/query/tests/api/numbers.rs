//! Facets, fields, stats, and histograms that look at lines.

use domain::level::Level;
use serde_json::{Value, json};
use testkit::{Client, Fixture};
use time::Duration;

use crate::test_app::{TestApp, now};

/// Twelve lines: four errors of `billing`, eight infos of the default service.
async fn shop(app: &TestApp) -> (Fixture, Client) {
    let (org, viewer) = app.org().await;
    let (billing, [environment, _]) = org.insert_service(&app.db, "billing").await;
    let mut scope = org.scope();
    let line = |name: &'static str, level| (now() - Duration::minutes(1), level, name);
    app.store(scope, &[line("cart viewed", Level::Info); 8]).await;
    scope.service_id = billing;
    scope.environment_id = environment;
    app.store(scope, &[line("card declined", Level::Error); 4]).await;
    (org, viewer)
}

#[tokio::test]
async fn facets_count_values() {
    let app = TestApp::start().await;
    let (_org, viewer) = shop(&app).await;
    let data = viewer.get("/api/logs/facets").await.data();
    assert_eq!(
        data["facets"],
        json!([
            {"field": "level", "counted": 12, "values": [{"value": "info", "count": 8}, {"value": "error", "count": 4}]},
            {"field": "service", "counted": 12, "values": [{"value": "default", "count": 8}, {"value": "billing", "count": 4}]},
            {"field": "env", "counted": 12, "values": [{"value": "production", "count": 12}]},
        ])
    );
    assert_eq!((&data["lines"], &data["is_sample"]), (&json!(12), &json!(false)));
    let data = viewer
        .get("/api/logs/facets?q=declined&fields=host,trace_id,nothing&values=1")
        .await
        .data();
    assert_eq!(
        data["facets"],
        json!([
            {"field": "host", "counted": 4, "values": [{"value": "a1", "count": 4}]},
            {"field": "trace_id", "counted": 4, "values": [{"value": "trace", "count": 4}]},
            {"field": "nothing", "counted": 0, "values": []},
        ])
    );
    for (query, field) in [
        ("fields=message", "fields"),
        ("fields=a,,b", "fields"),
        ("values=101", "values"),
        ("fields=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "fields"),
    ] {
        let reply = viewer.get(&format!("/api/logs/facets?{query}")).await;
        reply.assert_error(400, "VALIDATION_ERROR", field);
    }
}

#[tokio::test]
async fn facets_of_many_lines_are_of_the_newest() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let line = |minutes, level| (now() - Duration::minutes(minutes), level, "x");
    app.store(org.scope(), &[line(30, Level::Error); 5]).await;
    for minutes in 1..=5 {
        app.store(org.scope(), &vec![line(minutes, Level::Info); 10_000])
            .await;
    }
    let data = viewer.get("/api/logs/facets?fields=level").await.data();
    assert_eq!(
        (&data["lines"], &data["is_sample"]),
        (&json!(50_000), &json!(true))
    );
    let newest = json!([{"value": "info", "count": 50_000}]);
    assert_eq!(data["facets"][0]["values"], newest, "the oldest are not counted");
}

#[tokio::test]
async fn fields_are_listed_with_type_and_share() {
    let app = TestApp::start().await;
    let (_org, viewer) = shop(&app).await;
    let data = viewer.get("/api/logs/fields").await.data();
    let of = |name: &str| {
        let fields = data["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap().clone()
    };
    assert_eq!(
        of("host"),
        json!({"name": "host", "types": ["string"], "share": 1.0})
    );
    assert_eq!(of("request_id")["share"], json!(0.0));
    assert_eq!(data["lines"], json!(12));
}

#[tokio::test]
async fn the_pipe_computes_tables() {
    let app = TestApp::start().await;
    let (_org, viewer) = shop(&app).await;
    let stats = async |q: &str| {
        let q: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        viewer.get(&format!("/api/logs/stats?q={q}")).await
    };
    let data = stats("| stats count() as n by service").await.data();
    assert_eq!(data["rows"], json!([["default", 8], ["billing", 4]]));
    assert_eq!(
        data["columns"],
        json!([{"name": "service", "kind": "field"}, {"name": "n", "kind": "number"}])
    );
    let data = stats("level:error | top 3 host").await.data();
    assert_eq!((&data["rows"], &data["lines"]), (&json!([["a1", 4]]), &json!(4)));
    let data = stats("nothing | stats count(), avg(host)").await.data();
    assert_eq!(data["rows"], json!([[0, null]]));
    let data = stats("declined ts:>now-5m | stats count(), count() as n")
        .await
        .data();
    assert_eq!((&data["rows"], &data["lines"]), (&json!([[4, 4]]), &json!(4)));
    let data = stats("ts:<now-1h | stats count()").await.data();
    assert_eq!(data["rows"], json!([[0]]), "a mere count counts");
    stats("level:error")
        .await
        .assert_error(400, "VALIDATION_ERROR", "add one, such as | stats count()");
    stats("| stats avg()")
        .await
        .assert_error(400, "VALIDATION_ERROR", "q is no query: column ");
}

#[tokio::test]
async fn histograms_of_queries_and_fields_add_up() {
    let app = TestApp::start().await;
    let (_org, viewer) = shop(&app).await;
    let histogram = async |query: &str| {
        viewer
            .get(&format!("/api/logs/histogram?from=-10m&interval=1m&{query}"))
            .await
            .data()
    };
    let sum = |data: &Value, name: &str| -> u64 {
        let buckets = data["buckets"].as_array().unwrap().iter();
        buckets.filter_map(|bucket| bucket["counts"][name].as_u64()).sum()
    };
    let by_counters = histogram("q=level:error").await;
    assert_eq!(by_counters["stats"], json!(null), "counters tell");
    let by_lines = histogram("q=declined").await;
    assert_eq!(by_lines["stats"]["rows_scanned"], json!(12), "lines tell");
    assert_eq!((sum(&by_lines, "error"), sum(&by_lines, "info")), (4, 0));
    let by_service = histogram("field=service").await;
    assert_eq!((sum(&by_service, "default"), sum(&by_service, "billing")), (8, 4));
    assert_eq!(
        by_service["buckets"].as_array().unwrap().len(),
        by_counters["buckets"].as_array().unwrap().len()
    );
}
