//! Answers as JSON, and the bounds of memory.

use serde_json::{Value, json};
use time::Duration;

use super::super::{
    Direction, EvalError, Evaluation, Limits, Line, Query, QueryResult, Response, Stats, Times, parse,
};
use super::corpus::{NOON, evaluate, streams};
use crate::level::Level;

fn body(result: QueryResult) -> Value {
    let mut body = serde_json::to_value(Response::new(result, Stats::default(), Vec::new())).unwrap();
    let stats = body["data"].as_object_mut().unwrap().remove("stats").unwrap();
    assert_eq!(stats["summary"]["totalLinesProcessed"], 0);
    body
}

#[test]
fn streams_have_nanoseconds_as_text_and_an_order() {
    let forward = streams(r#"{level="debug"}"#, Direction::Forward, false);
    assert_eq!(
        body(forward),
        json!({"status": "success", "data": {"resultType": "streams", "result": [{
            "stream": {"environment": "staging", "level": "debug", "service_name": "api"},
            "values": [["1767268500000000000", "cache hit"], ["1767268770000000000", "cache miss"]],
        }]}})
    );
    let backward = body(streams(r#"{level="debug"}"#, Direction::Backward, false));
    assert_eq!(backward["data"]["result"][0]["values"][0][1], "cache miss");
}

#[test]
fn categorized_streams_keep_what_is_not_of_the_stream_apart() {
    let found = streams(r#"{level="debug"} |= "miss" | json"#, Direction::Forward, true);
    let stream = json!({"environment": "staging", "level": "debug", "service_name": "api"});
    assert_eq!(
        body(found),
        json!({"status": "success", "data": {
            "resultType": "streams",
            "encodingFlags": ["categorize-labels"],
            "result": [{
                "stream": stream,
                "values": [["1767268770000000000", "cache miss", {"parsed": {"__error__": "JSONParserErr"}}]],
            }],
        }})
    );
    let found = body(streams(
        r#"{level="error"} | keep level, http_status"#,
        Direction::Forward,
        true,
    ));
    assert_eq!(
        found["data"]["result"],
        json!([{
            "stream": {"level": "error"},
            "values": [["1767268800000000000", "GET /home failed: timeout", {"structuredMetadata": {"http_status": "502"}}]],
        }])
    );
}

#[test]
fn a_vector_and_a_scalar_have_seconds_and_texts() {
    let health = evaluate("vector(1)+vector(1)", Times::Instant(NOON)).unwrap();
    assert_eq!(
        body(health),
        json!({"status": "success", "data": {
            "resultType": "vector",
            "result": [{"metric": {}, "value": [1_767_268_800, "2"]}],
        }})
    );
    let scalar = evaluate("1 / 3", Times::Instant(NOON + Duration::milliseconds(250))).unwrap();
    assert_eq!(
        body(scalar),
        json!({"status": "success", "data": {
            "resultType": "scalar",
            "result": [1_767_268_800.25, "0.3333333333333333"],
        }})
    );
}

#[test]
fn a_matrix_has_the_points_of_each_series() {
    let times = Times::Range {
        start: NOON - Duration::seconds(60),
        end: NOON,
        step: Duration::seconds(30),
    };
    let matrix = evaluate(r#"sum by (service) (rate({env="prod"}[30s]))"#, times).unwrap();
    assert_eq!(
        body(matrix),
        json!({"status": "success", "data": {"resultType": "matrix", "result": [
            {"metric": {"service": "api"}, "values": [[1_767_268_740, "0.03333333333333333"], [1_767_268_800, "0.1"]]},
            {"metric": {"service": "db"}, "values": [[1_767_268_740, "0.06666666666666667"], [1_767_268_800, "0.06666666666666667"]]},
        ]}})
    );
    let literal = evaluate("1 + 1", times).unwrap();
    assert_eq!(
        body(literal)["data"]["result"],
        json!([{"metric": {}, "values": [[1_767_268_740, "2"], [1_767_268_770, "2"], [1_767_268_800, "2"]]}])
    );
}

#[test]
fn warnings_are_beside_the_data() {
    let response = Response::new(
        QueryResult::Vector(Vec::new()),
        Stats::default(),
        vec!["no stream has the label `job`".to_owned()],
    );
    let body = serde_json::to_value(response).unwrap();
    assert_eq!(body["warnings"], json!(["no stream has the label `job`"]));
}

fn evaluation(query: &str, limits: Limits) -> Evaluation {
    let Ok(Query::Metric(expr)) = parse(query) else {
        panic!("{query} is no metric query");
    };
    let times = Times::Range {
        start: NOON,
        end: NOON + Duration::minutes(10),
        step: Duration::SECOND,
    };
    Evaluation::new(expr, times, limits).unwrap()
}

/// The first error of feeding lines of which each has a service of its own, and of finishing.
fn fed(mut evaluation: Evaluation, lines: u32) -> Result<QueryResult, EvalError> {
    for number in 0..lines {
        evaluation.feed(&Line {
            ts: NOON + Duration::milliseconds(i64::from(number)),
            level: Level::Info,
            message: "x",
            meta: None,
            trace_id: None,
            request_id: None,
            service: &format!("service-{number}"),
            environment: "prod",
        })?;
    }
    evaluation.finish()
}

#[test]
fn too_many_series_are_refused_and_sums_are_not_many() {
    let error = fed(evaluation("count_over_time({}[1m])", Limits::default()), 501).unwrap_err();
    assert_eq!(error, EvalError::Series(500));
    assert!(
        error
            .to_string()
            .starts_with("maximum number of series (500) reached for a single query")
    );
    assert!(fed(evaluation("count_over_time({}[1m])", Limits::default()), 500).is_ok());
    assert!(fed(evaluation("sum(count_over_time({}[1m]))", Limits::default()), 501).is_ok());
    assert!(fed(evaluation("sum by (env) (rate({}[1m]))", Limits::default()), 501).is_ok());
    let two = "count_over_time({service=~\".*[0-4]\"}[1m]) or count_over_time({service=~\".*[5-9]\"}[1m])";
    let error = fed(evaluation(two, Limits::default()), 600).unwrap_err();
    assert_eq!(error, EvalError::Series(500));
}

#[test]
fn cells_and_points_are_bounded() {
    let limits = Limits {
        series: 500,
        cells: 100,
        points: 1_000,
    };
    assert_eq!(
        fed(evaluation("count_over_time({}[1s])", limits), 101).unwrap_err(),
        EvalError::Cells(100)
    );
    // Twenty series in windows of a minute have sixty points each.
    assert_eq!(
        fed(evaluation("count_over_time({}[1m])", limits), 20).unwrap_err(),
        EvalError::Points(1_000)
    );
    assert!(fed(evaluation("count_over_time({}[1m])", limits), 16).is_ok());
}
