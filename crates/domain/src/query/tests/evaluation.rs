//! What matches.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::level::Level;
use crate::query::ast::{MetaTest, TextTest};
use crate::query::evaluate::{leaves, meta_matches, values_at};
use crate::query::{Expr, Line, matches};

fn meta() -> Value {
    json!({
        "http": {"status": 500, "path": "/Cart"},
        "http.ms": 12.5,
        "code": "5e2",
        "zip": "007",
        "ok": true,
        "none": null,
        "tags": ["Red", "green", 7],
        "items": [{"id": 1}, {"id": [2, "x"]}],
        "big": 9_007_199_254_740_993_u64,
        "level": "odd",
        "odd name": "a: b",
        "version": "1.10.0",
        "empty": {},
    })
}

#[rstest]
// The message.
#[case("", true)]
#[case("TIMEOUT", true)]
#[case("time", false)]
#[case("time*", true)]
#[case("imeou*", false)]
#[case("*imeou*", true)]
#[case("*IMEOU", true)]
#[case("timeout überlauf", true)]
#[case("ÜBERLAUF", true)]
#[case("user-agent", true)]
#[case("agent-user", false)]
#[case("agent user", true)]
#[case("\"the user agent\"", true)]
#[case("\"the agent\"", false)]
#[case("user-ag*", true)]
#[case("\"->\"", true)]
#[case("\"=>\"", false)]
#[case("/time(d )?out/", false)]
#[case("/(?i)time(d )?out/", true)]
#[case("/^TimeOut/", true)]
#[case("timeout -missing", true)]
#[case("NOT timeout", false)]
#[case("missing OR timeout", true)]
// Known fields.
#[case("level:error", false)]
#[case("level:>=warn", true)]
#[case("level:(error OR warn)", true)]
#[case("level:[error TO fatal]", false)]
#[case("service:CHECKOUT", true)]
#[case("service:check*", true)]
#[case("service:check", false)]
#[case("service:*ecko*", true)]
#[case("env:prod*", true)]
#[case("trace_id:ABC123", true)]
#[case("trace_id:1e2", false)]
#[case("has:trace_id", true)]
#[case("has:request_id", false)]
#[case("NOT request_id:x", true)]
#[case("ts:2026-11-24", true)]
#[case("ts:2026-11-23", false)]
#[case("ts:>2026-11-24", false)]
#[case("ts:>=2026-11-24T10:00:00.5Z", true)]
#[case("ts:>2026-11-24T10:00:00.5Z", false)]
#[case("ts:2026-11-24T12:00:00.5+02:00", true)]
// Metadata.
#[case("http.status:500", true)]
#[case("http.status:5e2", true)]
#[case("http.status:500.0", true)]
#[case("http.status:5*", true)]
#[case("http.status:>=500", true)]
#[case("http.status:>500", false)]
#[case("http.status:[400 TO 500}", false)]
#[case("http.status:(404 OR >=500)", true)]
#[case("http.status:>abc", false)]
#[case("HTTP.status:500", false)]
#[case("http.path:/\\/Cart/", true)]
#[case("http.path:\"/cart\"", true)]
#[case("http.ms:{12 TO 13}", true)]
#[case("code:500", true)]
#[case("code:>499", true)]
#[case("zip:7", false)]
#[case("zip:007", true)]
#[case("ok:TRUE", true)]
#[case("none:null", true)]
#[case("has:none", true)]
#[case("tags:red", true)]
#[case("tags:7.0", true)]
#[case("tags:(red green)", true)]
#[case("NOT tags:blue", true)]
#[case("items.id:x", true)]
#[case("items.id:2", true)]
#[case("items.id:3", false)]
#[case("http:*", true)]
#[case("http:500", false)]
#[case("empty:*", true)]
#[case("missing:*", false)]
#[case("big:9007199254740993", true)]
#[case("big:9007199254740992", false)]
#[case("big:>9007199254740992", true)]
#[case("\"level\":odd", true)]
#[case("\"odd name\":\"a: b\"", true)]
#[case("version:>=1.2.0", false)]
#[case("version:>=1.1.x", true)]
#[case("version:>1.0.9", true)]
fn a_line_matches(#[case] query: &str, #[case] expected: bool) {
    let meta = meta();
    let line = Line {
        ts: datetime!(2026-11-24 10:00:00.5 UTC),
        level: Level::Warn,
        message: "TimeOut of the User-Agent -> überlauf",
        meta: Some(&meta),
        trace_id: Some("abc123"),
        request_id: None,
        service: "checkout",
        environment: "Production",
    };
    assert_eq!(matches(&Expr::parse(query).unwrap(), &line), expected);
}

/// The rule that searches of segments followed before there was a language, word for word.
fn value_matches(node: &Value, path: &str, value: &str) -> bool {
    match node {
        Value::Array(items) => items.iter().any(|item| value_matches(item, path, value)),
        Value::Object(map) => map.iter().any(|(key, inner)| {
            path.strip_prefix(key.as_str()).is_some_and(|rest| {
                if rest.is_empty() {
                    leaf_matches(inner, value)
                } else {
                    rest.strip_prefix('.')
                        .is_some_and(|rest| value_matches(inner, rest, value))
                }
            })
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn leaf_matches(leaf: &Value, value: &str) -> bool {
    match leaf {
        Value::String(text) => text == value,
        Value::Array(items) => items.iter().any(|item| leaf_matches(item, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let text = leaf.to_string();
            text == value
        }
        Value::Object(_) => false,
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        select(vec![
            json!(null),
            json!(true),
            json!(1),
            json!(2.5),
            json!({}),
            json!([])
        ]),
        select(vec!["x", "y", "null", "1", "2.5"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let names = select(vec!["a", "b", "a.b", "", "b.", ".a", "a.a"]).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((names, inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn paths_find_what_they_found_before(
        meta in json(),
        path in select(vec!["a", "b", "a.b", "a.b.a", "a.a.b", "b.", ".a", "a..a", "a."]),
        value in select(vec!["x", "y", "null", "true", "1", "2.5", "z"]),
    ) {
        let found: Vec<&Value> = values_at(&meta, path).into_iter().flat_map(leaves).collect();
        let test = MetaTest::Text(TextTest::Equals(value.to_owned()));
        prop_assert_eq!(
            found.into_iter().any(|leaf| meta_matches(&test, leaf)),
            value_matches(&meta, path, value)
        );
    }
}
