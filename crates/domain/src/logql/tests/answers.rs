//! Exact answers over the corpus, each from an example of Loki's documentation put into our labels.

use super::super::{Evaluation, Limits, Query, QueryResult, Times, parse};
use super::corpus::{NOON, at_noon, evaluate, lines};
use super::table;
use time::Duration;

/// What a query over lines finds, by the beginnings of the lines' texts.
#[rstest::rstest]
#[case::all(r"{}", 10)]
#[case::by_service(r#"{service_name="api"}"#, 6)]
#[case::by_alias(r#"{service="api", env="prod"}"#, 4)]
#[case::by_level(r#"{detected_level=~"error|fatal"}"#, 2)]
#[case::not(r#"{service!="api", level!~"i.*"}"#, 1)]
#[case::unknown_label(r#"{job="mysql"}"#, 0)]
#[case::unknown_label_absent(r#"{job="", service="db"}"#, 4)]
#[case::contains(r#"{service="api"} |= "cache""#, 2)]
#[case::contains_not(r#"{service="api"} |= "cache" != "hit""#, 1)]
#[case::either(r#"{service="api"} |= "cache" |= "foo" or "miss""#, 1)]
#[case::neither(r#"{service="api"} |= "cache" != "hit" or "miss""#, 0)]
#[case::matches("{service=\"db\"} |~ `rows=[1-2]\\d`", 2)]
#[case::matches_not("{service=\"db\"} !~ `rows=\\d+`", 1)]
#[case::ignoring_case(r#"{} |~ "(?i)CACHE""#, 2)]
#[case::json(r#"{service="api"} | json | status >= 500"#, 4)]
#[case::json_without_errors(r#"{service="api"} | json | __error__="" | status >= 500"#, 1)]
#[case::json_only_errors(r#"{service="api"} | json | __error__!="""#, 3)]
#[case::json_but_these_errors(r#"{service="api"} | json | __error__!="JSONParserErr""#, 3)]
#[case::text(r#"{service="api"} | json | __error__="" | method="GET" and path="/home""#, 2)]
#[case::duration(
    r#"{service="api"} | json method="method", took="took" | __error__="" | took > 10ms"#,
    3
)]
#[case::duration_for_sure(r#"{service="api"} | json | took > 10ms | __error__="""#, 2)]
#[case::size(r#"{service="db"} | logfmt | size > 1KB"#, 2)]
#[case::and_binds_tighter(r#"{service="db"} | logfmt | host="a" or rows > 10 and size < 1MB"#, 3)]
#[case::parentheses(r#"{service="db"} | logfmt | (host="a" or rows > 10) and size < 1KB"#, 1)]
#[case::comma(r#"{service="db"} | logfmt | host="a", rows > 10"#, 1)]
#[case::a_label_that_is_missing(r#"{service="db"} | logfmt | nothing > 10"#, 0)]
#[case::metadata(r"{} | http_status >= 500", 1)]
#[case::metadata_of_text(r#"{} | trace_id="0242ac120002" | user_id="u1""#, 1)]
#[case::metadata_lists(r#"{} | tags="[\"a\",1]""#, 1)]
#[case::strict(r#"{service="db"} | logfmt --strict | __error__="LogfmtParserErr""#, 1)]
#[case::comparing_an_error(r#"{service="api"} | json | __error__ > 0"#, 0)]
fn lines_found(#[case] query: &str, #[case] count: usize) {
    assert_eq!(lines(query).len(), count, "{:#?}", lines(query));
}

#[rstest::rstest]
#[case::metadata_are_labels(
    r#"{level="error"}"#,
    "{environment=prod http_status=502 level=error level_extracted=x service_name=api tags=[\"a\",1] \
     trace_id=0242ac120002 user_id=u1} GET /home failed: timeout"
)]
#[case::what_is_taken_is_extracted(
    r#"{service="api"} |= "info""#,
    r#"{environment=prod http_status=200 level=info service_name=api} {"method": "GET", "path": "/home", "status": 200, "took": "20ms", "level": "info"}"#
)]
#[case::json(
    r#"{service="api"} |= "info" | json | drop http_status"#,
    r#"{environment=prod level=info level_extracted=info method=GET path=/home service_name=api status=200 took=20ms} {"method": "GET", "path": "/home", "status": 200, "took": "20ms", "level": "info"}"#
)]
#[case::json_fields(
    r#"{service="api"} |= "POST" | json m="method", nothing="a.b""#,
    r#"{environment=prod level=info m=POST service_name=api} {"method": "POST", "path": "/cart", "status": 500, "took": "1.5s"}"#
)]
#[case::an_error(
    r#"{level="debug"} |= "miss" | json"#,
    "{__error__=JSONParserErr environment=staging level=debug service_name=api} cache miss"
)]
#[case::an_error_dropped(
    r#"{level="debug"} |= "miss" | json | drop __error__"#,
    "{environment=staging level=debug service_name=api} cache miss"
)]
#[case::logfmt(
    r#"{service="db"} |= "alone" | logfmt"#,
    "{at=query environment=prod host=b level=info rows=30 service_name=db size=1KiB} at=query rows=30 size=1KiB host=b alone"
)]
#[case::logfmt_empty(
    r#"{service="db"} |= "alone" | logfmt --keep-empty | keep alone"#,
    "{alone=} at=query rows=30 size=1KiB host=b alone"
)]
#[case::logfmt_fields(
    r#"{service="db"} |= "alone" | logfmt node="host", at | keep node, at, rows"#,
    "{at=query node=b} at=query rows=30 size=1KiB host=b alone"
)]
#[case::logfmt_broken(
    r#"{level="fatal"} | logfmt"#,
    "{at=crash environment=prod level=fatal service_name=db} \u{1b}[31mpanic\u{1b}[0m: =bad at=crash"
)]
#[case::decolorize(
    r#"{level="fatal"} | decolorize |= "panic:""#,
    "{environment=prod level=fatal service_name=db} panic: =bad at=crash"
)]
#[case::drop_by_value(
    r#"{level="debug"} |= "miss" | drop env, level="info", service=~"a.*""#,
    "{level=debug} cache miss"
)]
#[case::a_value_that_is_no_number(
    r#"{level="debug"} |= "miss" | level > 5"#,
    "{__error__=LabelFilterErr environment=staging level=debug service_name=api} cache miss"
)]
fn one_line(#[case] query: &str, #[case] line: &str) {
    assert_eq!(lines(query), [line]);
}

#[rstest::rstest]
#[case::count(r#"count_over_time({service="db"}[1m])"#, &[
    r#"{environment="prod", level="info", service_name="db"} 2"#,
])]
#[case::a_window_ends_with_its_step_and_begins_behind_its_start(r"sum(count_over_time({}[10s]))", &["{} 2"])]
#[case::offset(r"sum(count_over_time({}[1m] offset 1m))", &["{} 3"])]
#[case::offset_ahead(r"sum(count_over_time({}[1m] offset -5m))", &[])]
#[case::rate(r"sum(rate({}[100s]))", &["{} 0.09"])]
#[case::bytes(r#"sum(bytes_over_time({level="debug"}[5m]))"#, &["{} 10"])]
#[case::bytes_rate(r#"sum(bytes_rate({level="debug"}[5m]))"#, &["{} 0.03333333333333333"])]
#[case::by_level(r#"sum by (level) (count_over_time({service="api"}[5m]))"#, &[
    r#"{level="debug"} 1"#,
    r#"{level="error"} 1"#,
    r#"{level="info"} 2"#,
    r#"{level="warn"} 1"#,
])]
#[case::by_aliases(r#"sum by (env, detected_level) (count_over_time({service="db"}[5m]))"#, &[
    r#"{detected_level="fatal", env="prod"} 1"#,
    r#"{detected_level="info", env="prod"} 3"#,
])]
#[case::as_grafana_counts_levels(
    r#"sum by (level, detected_level) (count_over_time({service="db"} | drop __error__ [5m]))"#,
    &[r#"{detected_level="fatal", level="fatal"} 1"#, r#"{detected_level="info", level="info"} 3"#]
)]
#[case::without(r#"sum without (level) (count_over_time({service="api"}[5m]))"#, &[
    r#"{environment="prod", service_name="api"} 4"#,
    r#"{environment="staging", service_name="api"} 1"#,
])]
#[case::by_metadata(r#"sum by (http_status) (count_over_time({service="api"}[5m]))"#, &[
    "{} 3",
    r#"{http_status="200"} 1"#,
    r#"{http_status="502"} 1"#,
])]
#[case::metadata_that_nobody_names(r#"count_over_time({level="error"}[5m])"#, &[
    r#"{environment="prod", level="error", service_name="api"} 1"#,
])]
#[case::metadata_that_are_kept(r#"count_over_time({level="error"} | keep http_status [5m])"#, &[
    r#"{http_status="502"} 1"#,
])]
#[case::metadata_taken_away(r#"max without (trace_id, env) (count_over_time({level="error"}[5m]))"#, &[
    r#"{level="error", service_name="api"} 1"#,
])]
#[case::by_parsed(r#"sum by (host) (count_over_time({service="db"} | logfmt [5m]))"#, &[
    "{} 1",
    r#"{host="a"} 2"#,
    r#"{host="b"} 1"#,
])]
#[case::errors_are_sorted_out(
    r#"sum by (path) (rate({service="api"} | json | __error__="" | status >= 400 [50s]))"#,
    &[r#"{path="/cart"} 0.02"#]
)]
#[case::errors_are_asked_for(
    r#"sum by (__error__) (count_over_time({service="api"} | json | __error__=~".*" [5m]))"#,
    &["{} 3", r#"{__error__="JSONParserErr"} 2"#]
)]
#[case::unwrap(r#"sum_over_time({service="db"} | logfmt | unwrap rows [1m])"#, &[
    r#"{at="query", environment="prod", host="a", level="info", msg="select 1", service_name="db", size="5KB"} 10"#,
    r#"{at="query", environment="prod", host="b", level="info", service_name="db", size="1KiB"} 30"#,
])]
#[case::unwrap_sum(r#"sum by (host) (sum_over_time({service="db"} | logfmt | unwrap rows [5m]))"#, &[
    r#"{host="a"} 30"#,
    r#"{host="b"} 30"#,
])]
#[case::unwrap_rate(r#"sum(rate({service="db"} | logfmt | unwrap rows [100s]))"#, &["{} 0.6"])]
#[case::unwrap_bytes(r#"max_over_time({service="db"} | logfmt | unwrap bytes(size) [5m]) by ()"#, &["{} 5000"])]
#[case::unwrap_duration(
    r#"avg_over_time({service="api"} | json | unwrap duration(took) | __error__="" [5m]) by (service)"#,
    &[r#"{service="api"} 0.76"#]
)]
#[case::unwrap_min(r#"min_over_time({service="db"} | logfmt | unwrap rows [5m]) by (host)"#, &[
    r#"{host="a"} 10"#,
    r#"{host="b"} 30"#,
])]
#[case::quantile(r#"quantile_over_time(0.5, {service="db"} | logfmt | unwrap rows [5m]) by ()"#, &["{} 20"])]
#[case::quantile_between(
    r#"quantile_over_time(0.25, {service="db"} | logfmt | unwrap rows [5m]) by ()"#,
    &["{} 15"]
)]
#[case::topk(r"topk(1, sum by (level) (count_over_time({}[5m])))", &[r#"{level="info"} 5"#])]
#[case::topk_by(r#"topk by (service) (1, count_over_time({env="prod"}[5m]))"#, &[
    r#"{environment="prod", level="info", service_name="api"} 2"#,
    r#"{environment="prod", level="info", service_name="db"} 3"#,
])]
#[case::bottomk(r"bottomk(1, sum by (service) (count_over_time({}[5m])))", &[r#"{service="db"} 4"#])]
#[case::avg(r#"avg(sum by (level) (count_over_time({service="api"}[5m])))"#, &["{} 1.25"])]
#[case::min(r"min(sum by (service) (count_over_time({}[5m])))", &["{} 4"])]
#[case::max(r"max by (env) (count_over_time({}[5m]))", &[r#"{env="prod"} 3"#, r#"{env="staging"} 1"#])]
#[case::count_series(r"count(count_over_time({}[5m]))", &["{} 6"])]
#[case::health("vector(1)+vector(1)", &["{} 2"])]
#[case::literals("1 + 2 * 3 - 4 / 2", &["5"])]
#[case::modulo("2 * 3 % 4", &["2"])]
#[case::powers_bind_from_the_right("2 ^ 3 ^ 2", &["512"])]
#[case::no_number("0 / 0", &["NaN"])]
#[case::infinite("-1 / 0", &["-Inf"])]
#[case::compared_numbers("1 >= 1", &["1"])]
#[case::vector_and_number(r"sum(count_over_time({}[5m])) * 2", &["{} 18"])]
#[case::number_and_vector(r"10 - sum(count_over_time({}[5m]))", &["{} 1"])]
#[case::ratio(
    r#"sum(rate({level="error"}[5m])) / sum(rate({service="api"}[5m]))"#,
    &["{} 0.2"]
)]
#[case::ratio_by(
    r#"sum by (service) (count_over_time({level="info"}[5m])) / sum by (service) (count_over_time({}[5m]))"#,
    &[r#"{service="api"} 0.4"#, r#"{service="db"} 0.75"#]
)]
#[case::filter(r"sum by (level) (count_over_time({}[5m])) > 1", &[r#"{level="info"} 5"#])]
#[case::filter_from_the_left(r"1 < sum by (level) (count_over_time({}[5m]))", &[r#"{level="info"} 5"#])]
#[case::filter_by_vector(
    r#"sum by (service) (count_over_time({}[5m])) > sum by (service) (count_over_time({level!="fatal"}[5m]))"#,
    &[r#"{service="db"} 4"#]
)]
#[case::or(r#"sum(count_over_time({job="mysql"}[5m])) or vector(0)"#, &["{} 0"])]
#[case::or_left(r"sum(count_over_time({}[5m])) or vector(0)", &["{} 9"])]
#[case::and(
    r#"sum by (level) (count_over_time({}[5m])) and sum by (level) (count_over_time({service="db"}[5m]))"#,
    &[r#"{level="fatal"} 1"#, r#"{level="info"} 5"#]
)]
#[case::unless(
    r#"sum by (level) (count_over_time({}[5m])) unless sum by (level) (count_over_time({service="api"}[5m]))"#,
    &[r#"{level="fatal"} 1"#]
)]
fn numbers_at_noon(#[case] query: &str, #[case] expected: &[&str]) {
    assert_eq!(at_noon(query), expected);
}

#[test]
fn a_faulty_line_that_nobody_asked_for_ends_the_query() {
    let error = evaluate(
        r#"sum by (path) (count_over_time({service="api"} | json [5m]))"#,
        Times::Instant(NOON),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("pipeline error: 'JSONParserErr' for series: '{__error__=\"JSONParserErr\"}'.\n"),
        "{error}"
    );
    let error = evaluate(
        r#"avg_over_time({service="api"} | json | __error__="" | unwrap duration(took) [5m]) by ()"#,
        Times::Instant(NOON),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("pipeline error: 'SampleExtractionErr'")
    );
}

#[test]
fn a_range_query_has_a_point_where_its_window_has_a_sample() {
    let times = Times::Range {
        start: NOON - Duration::seconds(60),
        end: NOON,
        step: Duration::seconds(20),
    };
    let QueryResult::Matrix(series) =
        evaluate(r#"sum(count_over_time({service="db"}[20s]))"#, times).unwrap()
    else {
        panic!("no matrix");
    };
    let points: Vec<_> = series[0]
        .values
        .iter()
        .map(|sample| (sample.milliseconds / 1000 - NOON.unix_timestamp(), sample.value))
        .collect();
    // 60 and 61 s before noon; nothing from then to 20 s before it; 15 and 5 s before it.
    assert_eq!(points, [(-60, 2.0), (0, 2.0)]);
    assert_eq!(series.len(), 1);
}

#[test]
fn a_query_says_what_it_reads() {
    let Ok(Query::Metric(expr)) = parse(
        r#"sum(rate({service="api"} |= "x" |~ "y" | json [5m])) / sum(rate({service="db"}[1m] offset 1h))"#,
    ) else {
        panic!("no metric query");
    };
    let evaluation = Evaluation::new(expr, Times::Instant(NOON), Limits::default()).unwrap();
    let reads = (NOON - Duration::minutes(61), NOON);
    assert_eq!(evaluation.reads(), Some(reads));
    assert!(evaluation.needs_metadata());
    let required: Vec<_> = evaluation
        .pipelines()
        .map(super::super::LogPipeline::required_substrings)
        .collect();
    assert_eq!(required, [vec!["x"], vec![]]);
}

#[test]
fn only_texts_that_every_line_holds_are_required() {
    let Ok(Query::Log(pipeline)) =
        parse(r#"{} |= "a" |= "b" or "c" != "d" | json |= "e" | decolorize |= "f""#)
    else {
        panic!("no log query");
    };
    assert_eq!(pipeline.required_substrings(), ["a", "e"]);
}

#[test]
fn a_selector_narrows_what_is_read() {
    let selector =
        super::super::parse_selector(r#"{service=~"a.*", env!="prod", level=~"warn|error", job="x"}"#)
            .unwrap();
    assert_eq!(selector.unknown_labels(), ["job"]);
    assert!(!selector.matches_scope("api", "staging"));
    let selector =
        super::super::parse_selector(r#"{service=~"a.*", env!="prod", level=~"warn|error"}"#).unwrap();
    assert!(selector.matches_scope("api", "staging"));
    assert!(!selector.matches_scope("api", "prod"));
    assert!(!selector.matches_scope("db", "staging"));
    assert_eq!(
        selector.levels(),
        [crate::level::Level::Warn, crate::level::Level::Error]
    );
}

#[test]
fn every_example_of_the_documentation_has_an_answer() {
    for (query, _) in table::all() {
        match parse(query) {
            Ok(Query::Log(_)) => drop(lines(query)),
            Ok(Query::Metric(_)) => {
                let times = Times::Range {
                    start: NOON - Duration::hours(1),
                    end: NOON,
                    step: Duration::seconds(15),
                };
                evaluate(query, times).unwrap();
            }
            Err(_) => {}
        }
    }
}
