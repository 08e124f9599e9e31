//! Loki's query API, as Grafana and logcli call it.

use domain::level::Level;
use domain::role::Role;
use serde_json::{Value, json};
use testkit::{Client, Fixture, Reply, TokenSpec};
use time::{Duration, OffsetDateTime};

use crate::test_app::{TestApp, now};

const FORM: &str = "application/x-www-form-urlencoded";

fn form(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

async fn get(client: &Client, route: &str, parameters: &[(&str, &str)]) -> Reply {
    client
        .get(&format!("/loki/api/v1/{route}?{}", form(parameters)))
        .await
}

/// The data of a success.
async fn data(client: &Client, route: &str, parameters: &[(&str, &str)]) -> Value {
    let reply = get(client, route, parameters).await;
    reply.assert_status(200);
    assert_eq!(reply.body["status"], "success", "{}", reply.body);
    reply.body["data"].clone()
}

/// Lines of `default` and, later, of `billing`; a second apart, the last a minute ago.
pub(crate) struct Shop {
    pub(crate) app: TestApp,
    pub(crate) org: Fixture,
    viewer: Client,
    start: OffsetDateTime,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let app = TestApp::start().await;
        let (org, viewer) = app.org().await;
        let start = now() - Duration::minutes(2);
        let line = |second, level, message| (start + Duration::seconds(second), level, message);
        app.store(
            org.scope(),
            &[
                line(0, Level::Info, "cart viewed ms=12"),
                line(1, Level::Info, r#"{"event": "paid", "amount": 20}"#),
                line(2, Level::Warn, "slow cart ms=900"),
            ],
        )
        .await;
        let (billing, [environment, _]) = org.insert_service(&app.db, "billing").await;
        let mut scope = org.scope();
        (scope.service_id, scope.environment_id) = (billing, environment);
        app.store(
            scope,
            &[
                line(60, Level::Error, "card declined"),
                line(61, Level::Error, "Card expired"),
            ],
        )
        .await;
        Self {
            app,
            org,
            viewer,
            start,
        }
    }

    pub(crate) fn nanos(&self, second: i64) -> String {
        (self.start + Duration::seconds(second))
            .unix_timestamp_nanos()
            .to_string()
    }

    async fn lines(&self, query: &str, more: &[(&str, &str)]) -> Value {
        let parameters: Vec<_> = [("query", query)]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        data(&self.viewer, "query_range", &parameters).await
    }

    /// The texts, in the order of their streams.
    async fn texts(&self, query: &str, more: &[(&str, &str)]) -> Vec<String> {
        let data = self.lines(query, more).await;
        let streams = data["result"].as_array().unwrap().iter();
        let values = streams.flat_map(|stream| stream["values"].as_array().unwrap());
        values
            .map(|value| value[1].as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn grafanas_health_query_answers() {
    let shop = Shop::open().await;
    let data = data(
        &shop.viewer,
        "query",
        &[("query", "vector(1)+vector(1)"), ("time", "4000000000")],
    )
    .await;
    assert_eq!(data["resultType"], "vector");
    assert_eq!(
        data["result"],
        json!([{"metric": {}, "value": [4_000_000_000_u32, "2"]}])
    );
    assert!(data["stats"]["summary"].is_object());
}

#[tokio::test]
async fn lines_come_as_streams_newest_or_oldest_first() {
    let shop = Shop::open().await;
    let found = shop.lines(r#"{service_name="billing"}"#, &[]).await;
    assert_eq!(found["resultType"], "streams");
    assert_eq!(
        found["result"],
        json!([{
            "stream": {"environment": "production", "host": "a1", "level": "error", "service_name": "billing", "trace_id": "trace"},
            "values": [[shop.nanos(61), "Card expired"], [shop.nanos(60), "card declined"]],
        }])
    );
    assert_eq!(found["stats"]["summary"]["totalEntriesReturned"], 2);
    assert_eq!(found["encodingFlags"], Value::Null);
    assert_eq!(
        shop.texts(r#"{service="billing"}"#, &[("direction", "FORWARD")])
            .await,
        ["card declined", "Card expired"]
    );
    assert_eq!(shop.texts("{}", &[("limit", "1")]).await, ["Card expired"]);
    assert_eq!(
        shop.texts("{}", &[("limit", "1"), ("direction", "forward")])
            .await,
        ["cart viewed ms=12"]
    );
    let (from, to) = (shop.nanos(2), shop.nanos(60));
    assert_eq!(
        shop.texts("{}", &[("start", &from), ("end", &to)]).await,
        ["slow cart ms=900"],
        "the end is exclusive"
    );
}

#[tokio::test]
async fn labels_come_apart_where_grafana_asks_for_it() {
    let shop = Shop::open().await;
    let client = shop
        .viewer
        .with_header("X-Loki-Response-Encoding-Flags", "categorize-labels");
    let found = data(&client, "query_range", &[("query", r#"{level="warn"} | logfmt"#)]).await;
    assert_eq!(found["encodingFlags"], json!(["categorize-labels"]));
    assert_eq!(
        found["result"],
        json!([{
            "stream": {"environment": "production", "level": "warn", "service_name": "default"},
            "values": [[shop.nanos(2), "slow cart ms=900", {
                "structuredMetadata": {"host": "a1", "trace_id": "trace"}, "parsed": {"ms": "900"}
            }]],
        }])
    );
}

#[tokio::test]
async fn filters_decide_exactly() {
    let shop = Shop::open().await;
    for (query, expected) in [
        (r#"{} |= "card""#, vec!["card declined"]),
        (r#"{} |~ "(?i)card""#, vec!["Card expired", "card declined"]),
        (
            r#"{level=~"info|warn"} |= "cart" != "slow""#,
            vec!["cart viewed ms=12"],
        ),
        (
            r#"{} | json | amount > 10 | __error__="""#,
            vec![r#"{"event": "paid", "amount": 20}"#],
        ),
        ("{} | logfmt | ms >= 900", vec!["slow cart ms=900"]),
        (r#"{} | host="a1" | level="warn""#, vec!["slow cart ms=900"]),
        (r#"{service_name="nobody"}"#, vec![]),
        (r#"{job="varlogs"}"#, vec![]),
    ] {
        assert_eq!(shop.texts(query, &[]).await, expected, "{query}");
    }
    let reply = get(&shop.viewer, "query_range", &[("query", r#"{job="varlogs"}"#)]).await;
    let warning = reply.body["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("no stream has the label job;"), "{warning}");
}

/// What the pipeline sorts out does not count, however many pages of it there are.
#[tokio::test]
async fn the_limit_is_of_lines_that_come_through() {
    let shop = Shop::open().await;
    let early = shop.start - Duration::minutes(5);
    let mut lines = vec![(early, Level::Info, "needle 1"), (early, Level::Info, "needle 2")];
    lines.extend(vec![(early + Duration::SECOND, Level::Info, "NEEDLE"); 2_500]);
    shop.app.store(shop.org.scope(), &lines).await;
    let limit = [("limit", "2")];
    assert_eq!(
        shop.texts(r#"{} |= "needle""#, &limit).await,
        ["needle 2", "needle 1"]
    );
    let limit = [("limit", "2001"), ("direction", "forward")];
    let found = shop.texts(r#"{} |~ "(?i)needle" != "needle 1""#, &limit).await;
    assert_eq!((found.len(), found[0].as_str()), (2001, "needle 2"));
}

#[tokio::test]
async fn metric_queries_answer_with_vectors_and_matrices() {
    let shop = Shop::open().await;
    let (start, end) = (shop.nanos(0), shop.nanos(120));
    let at = (shop.start + Duration::seconds(120)).unix_timestamp();
    let by_level = "sum by (level) (count_over_time({}[1h]))";
    let found = data(&shop.viewer, "query", &[("query", by_level), ("time", &end)]).await;
    assert_eq!(
        found["result"],
        json!([
            {"metric": {"level": "error"}, "value": [at, "2"]},
            {"metric": {"level": "info"}, "value": [at, "2"]},
            {"metric": {"level": "warn"}, "value": [at, "1"]},
        ])
    );
    let query = r#"max by (service) (max_over_time({service_name="default"} | logfmt | unwrap ms [2m]))"#;
    let found = data(&shop.viewer, "query", &[("query", query), ("time", &end)]).await;
    assert_eq!(found["result"][0]["value"][1], "900", "{found}");
    let found = data(
        &shop.viewer,
        "query_range",
        &[
            ("query", r#"sum(count_over_time({} |= "card" [1m]))"#),
            ("start", &start),
            ("end", &end),
            ("step", "60"),
        ],
    )
    .await;
    assert_eq!(found["resultType"], "matrix");
    assert_eq!(
        found["result"],
        json!([{"metric": {}, "values": [[at - 60, "1"]]}])
    );
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_answered_in_words() {
    let shop = Shop::open().await;
    for (route, parameters, expected) in [
        ("query_range", vec![("query", "{} | pattern `<a>`")], "pattern"),
        (
            "query_range",
            vec![("query", "{a=}")],
            "parse error at line 1, col ",
        ),
        ("query_range", vec![], "parse error at line 1, col 1"),
        (
            "query_range",
            vec![("query", "{}"), ("limit", "5001")],
            "limit must be a number from 1 to 5000",
        ),
        (
            "query_range",
            vec![("query", "{}"), ("direction", "up")],
            "direction must be",
        ),
        (
            "query_range",
            vec![("query", "{}"), ("start", "soon")],
            "invalid start",
        ),
        (
            "query_range",
            vec![("query", "rate({}[1m])"), ("step", "0")],
            "invalid step",
        ),
        (
            "query_range",
            vec![("query", "rate({}[1m])"), ("step", "1"), ("since", "30d")],
            "exceeded maximum resolution",
        ),
        (
            "query",
            vec![("query", "{}")],
            "not supported as an instant query type",
        ),
        (
            "query",
            vec![("query", "sum_over_time({} | unwrap host [1h])")],
            "SampleExtractionErr",
        ),
        ("series", vec![("match[]", "{")], "parse error"),
        (
            "labels",
            vec![("query", "rate({}[1m])")],
            "query asks for numbers",
        ),
        (
            "index/volume",
            vec![("aggregateBy", "moon")],
            "aggregateBy must be",
        ),
        (
            "index/volume_range",
            vec![("step", "31d"), ("since", "90d")],
            "step must be",
        ),
        (
            "index/volume_range",
            vec![("step", "1m"), ("since", "90d")],
            "send a longer step",
        ),
        ("detected_fields", vec![("line_limit", "0")], "line_limit must be"),
    ] {
        let reply = get(&shop.viewer, route, &parameters).await;
        reply.assert_status(400);
        assert!(reply.header("content-type").starts_with("text/plain"));
        let text = reply.body.as_str().unwrap();
        assert!(text.contains(expected), "{route} {parameters:?}: {text}");
    }
}

#[tokio::test]
async fn labels_series_and_volumes_come_from_counters() {
    let shop = Shop::open().await;
    let viewer = &shop.viewer;
    assert_eq!(
        data(viewer, "labels", &[]).await,
        json!(["environment", "level", "service_name"])
    );
    for (name, query, expected) in [
        ("service_name", "{}", json!(["billing", "default"])),
        ("service", r#"{level="warn"}"#, json!(["default"])),
        ("level", r#"{service_name="default"}"#, json!(["info", "warn"])),
        ("host", "{}", json!([])),
    ] {
        let route = format!("label/{name}/values");
        assert_eq!(
            data(viewer, &route, &[("query", query)]).await,
            expected,
            "{name} {query}"
        );
    }
    assert_eq!(
        data(
            viewer,
            "series",
            &[
                ("match[]", r#"{level="warn"}"#),
                ("match[]", r#"{service="billing"}"#)
            ]
        )
        .await,
        json!([
            {"environment": "production", "level": "error", "service_name": "billing"},
            {"environment": "production", "level": "warn", "service_name": "default"},
        ])
    );
    assert_eq!(data(viewer, "labels", &[("end", "1000000000")]).await, json!([]));
    let reply = get(viewer, "index/stats", &[("query", r#"{service_name="billing"}"#)]).await;
    assert_eq!(
        reply.assert_status(200).body,
        json!({"streams": 1, "chunks": 1, "entries": 2, "bytes": 25})
    );
    let reply = get(viewer, "detected_labels", &[]).await;
    assert_eq!(
        reply.assert_status(200).body["detectedLabels"],
        json!([{"label": "environment", "cardinality": 1}, {"label": "level", "cardinality": 3},
            {"label": "service_name", "cardinality": 2}])
    );
}

#[tokio::test]
async fn volumes_are_told_by_series_or_label() {
    let shop = Shop::open().await;
    let end = (shop.start + Duration::minutes(2)).unix_timestamp().to_string();
    let volume = async |parameters: &[(&str, &str)]| {
        let parameters: Vec<_> = parameters
            .iter()
            .copied()
            .chain([("end", end.as_str())])
            .collect();
        let data = data(&shop.viewer, "index/volume", &parameters).await;
        assert_eq!(data["resultType"], "vector");
        let result = data["result"].as_array().unwrap();
        result
            .iter()
            .map(|sample| sample["metric"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        volume(&[("query", r#"{service_name=~".+"}"#)]).await,
        [
            json!({"service_name": "default"}),
            json!({"service_name": "billing"})
        ]
    );
    assert_eq!(
        volume(&[("targetLabels", "level"), ("limit", "2")]).await,
        [json!({"level": "error"}), json!({"level": "info"})]
    );
    assert_eq!(
        volume(&[("aggregateBy", "labels"), ("targetLabels", "level")]).await,
        [json!({"level": ""})]
    );
    let data = data(
        &shop.viewer,
        "index/volume_range",
        &[
            ("query", r#"{service_name="billing"}"#),
            ("step", "30s"),
            ("end", &end),
        ],
    )
    .await;
    assert_eq!(data["resultType"], "matrix");
    assert_eq!(data["result"][0]["metric"], json!({"service_name": "billing"}));
    let values = data["result"][0]["values"].as_array().unwrap();
    let bytes: u64 = values
        .iter()
        .map(|value| value[1].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert!((24..=26).contains(&bytes), "{data}");
}

#[tokio::test]
async fn fields_are_detected_in_metadata_and_messages() {
    let shop = Shop::open().await;
    let fields = async |query: &str| {
        let reply = get(&shop.viewer, "detected_fields", &[("query", query)]).await;
        reply.assert_status(200).body["fields"].clone()
    };
    let all = fields("{}").await;
    let all = all.as_array().unwrap();
    for expected in [
        json!({"label": "ms", "type": "int", "cardinality": 2, "parsers": ["logfmt"]}),
        json!({"label": "amount", "type": "int", "cardinality": 1, "parsers": ["json"]}),
        json!({"label": "host", "type": "string", "cardinality": 1, "parsers": null}),
    ] {
        assert!(all.contains(&expected), "{expected} in {all:?}");
    }
    assert_eq!(fields(r#"{service_name="nobody"}"#).await, json!([]));
    let info = get(&shop.viewer, "status/buildinfo", &[]).await;
    assert_eq!(info.assert_status(200).body["version"], "3.0.0");
}

#[tokio::test]
async fn parameters_may_come_as_a_form() {
    let shop = Shop::open().await;
    let body = form(&[("query", r#"{service_name="billing"}"#), ("limit", "1")]);
    let reply = shop
        .viewer
        .post_bytes("/loki/api/v1/query_range?limit=7", FORM, body)
        .await;
    reply.assert_status(200);
    assert_eq!(
        reply.body["data"]["result"][0]["values"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let body = form(&[("match[]", r#"{service_name="billing"}"#)]);
    let reply = shop.viewer.post_bytes("/loki/api/v1/series", FORM, body).await;
    assert_eq!(reply.assert_status(200).body["data"].as_array().unwrap().len(), 1);
    let reply = shop
        .viewer
        .post_bytes(
            "/loki/api/v1/query",
            "application/json",
            r#"{"query": "vector(1)"}"#,
        )
        .await;
    reply.assert_status(415);
    assert!(reply.body.as_str().unwrap().contains(FORM));
}

#[tokio::test]
async fn a_token_is_the_password_of_a_data_source_and_opens_its_own_organisation_only() {
    let shop = Shop::open().await;
    let (other, _) = shop.app.org().await;
    shop.app
        .store(other.scope(), &[(now(), Level::Fatal, "of another")])
        .await;
    let person = other.person(Role::Viewer).user_id;
    let (_, token) = other
        .insert_token(&shop.app.db, person, &TokenSpec::default())
        .await;
    let anyone = shop.app.anyone();
    for client in [anyone.with_basic("grafana", &token), anyone.with_bearer(&token)] {
        let found = data(&client, "query_range", &[("query", "{}")]).await;
        assert_eq!(found["result"][0]["values"][0][1], "of another");
        assert_eq!(found["result"].as_array().unwrap().len(), 1);
        let counted = data(&client, "query", &[("query", "sum(count_over_time({}[1h]))")]).await;
        assert_eq!(counted["result"][0]["value"][1], "1");
        assert_eq!(
            data(&client, "label/service_name/values", &[]).await,
            json!(["default"])
        );
        assert_eq!(data(&client, "label/level/values", &[]).await, json!(["fatal"]));
        let stats = get(&client, "index/stats", &[]).await;
        assert_eq!(stats.body["entries"], 1);
        let fields = get(&client, "detected_fields", &[]).await;
        assert!(!fields.body.to_string().contains("amount"), "{}", fields.body);
    }
    for client in [
        anyone.with_basic("grafana", "slp_wrong"),
        anyone.with_api_key(shop.org.api_key()),
        anyone,
    ] {
        let reply = get(&client, "query_range", &[("query", "{}")]).await;
        reply.assert_status(401);
        assert!(reply.header("content-type").starts_with("text/plain"));
    }
}

#[tokio::test]
async fn a_search_without_time_says_so() {
    let app = TestApp::start_with(&[("--search-budget-ms", "0")]).await;
    let (org, viewer) = app.org().await;
    let early = now() - Duration::minutes(5);
    app.store(org.scope(), &vec![(early, Level::Info, "Hay"); 20_000])
        .await;
    let reply = get(&viewer, "query_range", &[("query", r#"{} |= "hay""#)]).await;
    let warning = reply.assert_status(200).body["warnings"][0].as_str().unwrap();
    assert!(warning.contains("ran out of time"), "{warning}");
}
