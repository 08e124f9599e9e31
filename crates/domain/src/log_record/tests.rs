//! What a line may be, and that the fast way of reading one says what the plain way says.

mod reference;

use proptest::prelude::*;
use serde_json::Value;
use time::macros::datetime;

use super::*;

const RULES: LineRules = LineRules {
    max_message_bytes: 1_048_576,
    retention: Duration::days(30),
    now: datetime!(2026-11-22 12:00 UTC),
};

fn line(json: &str) -> Result<NewLog<'_>, LineError> {
    parse(json.as_bytes(), &RULES)
}

fn meta_of(log: &NewLog<'_>) -> Value {
    serde_json::from_str(log.meta.as_deref().unwrap()).unwrap()
}

fn refused_field(json: &str) -> String {
    line(json).expect_err("must be refused").field
}

#[test]
fn a_full_line_is_read_and_unknown_fields_are_kept() {
    let log = line(
        r#"{"timestamp":"2026-11-22T13:00:00.1234567+01:00","level":"WARNING","message":"slow",
            "meta":{"ms":12},"trace_id":"abc","request_id":7,"host":"a1"}"#,
    )
    .unwrap();
    assert_eq!(log.ts, datetime!(2026-11-22 12:00:00.123456 UTC));
    assert_eq!(log.level, Level::Warn);
    assert_eq!(meta_of(&log), serde_json::json!({"ms": 12, "host": "a1"}));
    assert_eq!(
        (log.trace_id.as_deref(), log.request_id.as_deref()),
        (Some("abc"), Some("7"))
    );
}

#[test]
fn time_and_level_have_defaults_and_the_message_has_none() {
    let log = line(r#"{"message":"hello"}"#).unwrap();
    assert_eq!((log.ts, log.level), (RULES.now, Level::Info));
    assert_eq!(refused_field(r#"{"level":"info"}"#), "message");
}

#[rstest::rstest]
#[case(r#"{"message":"m","level":"loud"}"#, "level")]
#[case(r#"{"message":"m","level":3}"#, "level")]
#[case(r#"{"message":" "}"#, "message")]
#[case(r#"{"message":{"a":1}}"#, "message")]
#[case(r#"{"message":"m","timestamp":"yesterday"}"#, "timestamp")]
#[case(r#"{"message":"m","timestamp":"2026-11-22 12:00"}"#, "timestamp")]
#[case(r#"{"message":"m","timestamp":"2026-11-22T12:10:01Z"}"#, "timestamp")]
#[case(r#"{"message":"m","timestamp":"2026-10-22T12:00:00Z"}"#, "timestamp")]
#[case(r#"{"message":"m","timestamp":"9999-12-31T23:59:59Z"}"#, "timestamp")]
#[case(r#"{"message":"m","timestamp":"9999-12-31T23:59:59-01:00"}"#, "timestamp")]
#[case(r#"{"message":"m","timestamp":"0000-01-01T00:00:00+01:00"}"#, "timestamp")]
#[case(r#"{"message":"m","timestamp":-1}"#, "timestamp")]
#[case(r#"{"message":"m","timestamp":1e300}"#, "timestamp")]
#[case(r#"{"message":"m","meta":[1]}"#, "meta")]
#[case(r#"{"message":"m","trace_id":{}}"#, "trace_id")]
#[case(r#"{"message":"m","meta":{"a":1e400}}"#, "")]
#[case(r#"["message"]"#, "")]
#[case("{", "")]
fn a_bad_line_is_refused_by_field(#[case] json: &str, #[case] field: &str) {
    assert_eq!(refused_field(json), field);
}

#[rstest::rstest]
#[case("1795348800", datetime!(2026-11-22 12:00 UTC))]
#[case("1795348800000", datetime!(2026-11-22 12:00 UTC))]
#[case("1795348800000000", datetime!(2026-11-22 12:00 UTC))]
#[case("1795348800000000001", datetime!(2026-11-22 12:00 UTC))]
#[case("1795348800.5", datetime!(2026-11-22 12:00:00.5 UTC))]
fn a_number_is_read_in_the_unit_of_its_size(#[case] number: &str, #[case] expected: OffsetDateTime) {
    assert_eq!(
        line(&format!(r#"{{"message":"m","timestamp":{number}}}"#))
            .unwrap()
            .ts,
        expected
    );
}

#[test]
fn nul_and_bad_utf8_are_replaced_and_the_line_is_kept() {
    let log = line(r#"{"message":"a\u0000b","meta":{"k\u0000":["\u0000"]}}"#).unwrap();
    assert_eq!(log.message, "a\u{FFFD}b");
    assert_eq!(meta_of(&log), serde_json::json!({"k\u{FFFD}": ["\u{FFFD}"]}));
    let log = parse(b"{\"message\":\"a\xFFb\"}", &RULES).unwrap();
    assert_eq!(log.message, "a\u{FFFD}b");
}

#[test]
fn size_and_depth_are_bounded() {
    let long = "x".repeat(1_048_577);
    assert_eq!(refused_field(&format!(r#"{{"message":"{long}"}}"#)), "message");
    let deep = format!(
        r#"{{"message":"m","meta":{{"a":{}1{}}}}}"#,
        "[".repeat(40),
        "]".repeat(40)
    );
    assert_eq!(refused_field(&deep), "meta");
    let wide = format!(r#"{{"message":"m","meta":{{"a":"{}"}}}}"#, "x".repeat(300_000));
    assert_eq!(refused_field(&wide), "meta");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, &RULES);
    }

    #[test]
    fn any_message_comes_back_as_sent_but_for_nul(text in "\\PC{1,60}") {
        let json = serde_json::json!({ "message": text }).to_string();
        match line(&json) {
            Ok(log) => prop_assert_eq!(log.message, text.replace('\0', "\u{FFFD}")),
            Err(error) => prop_assert!(text.trim().is_empty(), "{}", error),
        }
    }
}

/// Both ways of reading say the same: the same error, or the same line, with metadata of the same meaning.
fn assert_as_reference(json: &[u8]) {
    let plain = |log: NewLog<'_>| {
        let meta: Option<Value> = log.meta.map(|meta| serde_json::from_str(&meta).unwrap());
        let texts = [Some(log.message), log.trace_id, log.request_id].map(|text| text.map(Cow::into_owned));
        (log.ts, log.level, texts, meta)
    };
    let shown = String::from_utf8_lossy(json);
    assert_eq!(
        parse(json, &RULES).map(plain),
        reference::parse(json, &RULES).map(plain),
        "{shown}"
    );
}

/// JSON text of a value, as a sender could write it or should not.
fn any_value() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        "-?[0-9]{1,22}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        "-?[1-9][0-9]{290,320}",
        Just("-0".to_owned()),
        (1_795_000_000_i64..1_796_000_000).prop_map(|seconds| seconds.to_string()),
    ];
    let word = prop_oneof![
        6 => prop::sample::select(&["null", "true", "{}", "{ }", "[]"][..]).prop_map(str::to_owned),
        1 => prop::sample::select(&["tru", "NaN", "1e400", ""][..]).prop_map(str::to_owned),
        1 => (1..45_usize).prop_map(|depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth))),
        1 => (1..45_usize).prop_map(|depth| format!("{}{{}}{}", "{\"a\":".repeat(depth), "}".repeat(depth))),
        1 => (120..130_usize).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
    ];
    let leaf = prop_oneof![2 => any_text(), 1 => number, 1 => word];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let members = prop::collection::vec((any_text(), inner.clone()), 0..4);
        prop_oneof![
            (prop::collection::vec(inner, 0..4), any_space())
                .prop_map(|(items, space)| format!("[{space}{}]", items.join(","))),
            (members, any_space()).prop_map(|(members, space)| object(&members, space)),
        ]
    })
}

fn object(members: &[(String, String)], space: &str) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{name}{space}:{value}{space}"))
        .collect();
    format!("{{{space}{}}}", members.join(","))
}

fn any_space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 2 => Just(" "), 1 => Just("\n\t")]
}

/// A text in quotes, with and without escapes, good and bad.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        16 => "[a-c]{0,2}",
        8 => "\\PC{0,8}".prop_map(|text| serde_json::to_string(&text).unwrap().trim_matches('"').to_owned()),
        8 => "( |\\\\[nt\"/\\\\bfr]|\\\\u(0000|0001|00e9|D7ff|d7FF|E000|d83d\\\\uDE00)|é|😀|\u{FFFD}){0,4}",
        1 => "(\\\\u[dD][0-9a-fA-F]00|\\\\x41|\\\\u00|\t|\u{0}|\\\\){0,2}",
        1 => Just("x".repeat(257)),
    ]
    .prop_map(|inside| format!("\"{inside}\""))
}

fn any_member() -> impl Strategy<Value = (String, String)> {
    let of = |name: &'static str, value: BoxedStrategy<String>| (Just(format!("\"{name}\"")), value).boxed();
    let one_of = |values: &'static [&'static str]| {
        prop::sample::select(values)
            .prop_map(|text| format!("\"{text}\""))
            .boxed()
    };
    let meta = (
        prop::collection::vec((any_text(), any_value()), 0..4),
        any_space(),
    )
        .prop_map(|(members, space)| object(&members, space));
    prop_oneof![
        4 => of("message", any_text().boxed()),
        3 => of("level", one_of(&["info", "WARN", "error", "inf\\u006f", " crit "])),
        3 => of("timestamp", one_of(GOOD_TIMES)),
        1 => of("level", one_of(&["loud", "", "errors"])),
        1 => of("timestamp", one_of(BAD_TIMES)),
        2 => of("trace_id", any_text().boxed()),
        2 => of("request_id", any_text().boxed()),
        4 => of("meta", meta.boxed()),
        // Any field with any value, names that are written strangely, and fields that nobody knows.
        2 => (
            prop::sample::select(&["message", "level", "timestamp", "trace_id", "request_id", "meta", "m\\u0065ta"][..])
                .prop_map(|name| format!("\"{name}\"")),
            any_value(),
        ),
        2 => (any_text(), any_value()),
    ]
}

const GOOD_TIMES: &[&str] = &[
    "2026-11-22T12:00:00Z",
    "2026-11-22T11:59:59.123456789Z",
    "2026-11-22t11:59:59.1z",
    "2026-11-22T13:00:00.1234567+01:00",
    "2026-11-22T00:00:00-11:30",
    "2026-11-22T12:10:00.000000999Z",
    "2026-10-23T12:00:00Z",
];
const BAD_TIMES: &[&str] = &[
    "2026-11-22T12:10:00.000001Z",
    "2026-10-23T11:59:59.999999999Z",
    "2026-11-21T23:59:60Z",
    "2026-11-31T00:00:00Z",
    "2026-11-22 12:00:00Z",
    "2026-11-22T12:00:00",
    "2026-11-22T12:00:00.Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T12:00:00+24:00",
    "2026-11-22T12:00:00Z ",
    "yesterday",
];

#[rstest::rstest]
// What a parser passes over in a value that it does not look into.
#[case(r#"{"message":"m","meta":{"a":1e400}}"#)]
#[case(r#"{"message":"m","meta":{"a":"\ud800"}}"#)]
#[case(r#"{"message":"m","meta":{"\ud800":1}}"#)]
#[case(r#"{"message":"m","x":"\ud800"}"#)]
#[case(r#"{"message":"m","x":"\uDFFF"}"#)]
#[case(r#"{"message":"m","x":"\u0000\u00e9\n"}"#)]
#[case(r#"{"message":"m","meta":{"a":1e400},"meta":{}}"#)]
#[case(r#"{"message":{"a":1e400},"message":"m"}"#)]
#[case(r#"{"message":1e400,"message":"m"}"#)]
// Which of several counts.
#[case(r#"{"message":"m","meta":{"a":1,"a":2},"meta":{"b":1}}"#)]
#[case(r#"{"message":"m","meta":{"a":1},"a":2,"b":3}"#)]
#[case(r#"{"message":"m","a":1,"a":2}"#)]
#[case(r#"{"message":"m","meta":null,"a":1}"#)]
#[case(r#"{"message":"m","meta":{},"trace_id":"","request_id":null}"#)]
fn odd_lines_are_read_as_plainly(#[case] json: &str) {
    assert_as_reference(json.as_bytes());
}

#[test]
fn metadata_around_its_bounds_is_read_as_plainly() {
    let nested = |depth: usize, open: &str, inmost: &str, close: &str| {
        format!("{}{inmost}{}", open.repeat(depth), close.repeat(depth))
    };
    let depths = (LineRules::MAX_META_DEPTH - 3..=LineRules::MAX_META_DEPTH + 3).flat_map(|depth| {
        [
            nested(depth, "[", "1", "]"),
            nested(depth, "[", "", "]"),
            nested(depth, "{\"a\":", "{}", "}"),
        ]
    });
    // What counts the most for its text, and what counts the least.
    let short = LineRules::MAX_META_BYTES / 9;
    let shorts = (short - 5..short + 5).map(|items| format!("[0{}]", ",0".repeat(items - 1)));
    let long = LineRules::MAX_META_BYTES;
    let longs = (long - 15..long + 5).map(|length| format!("\"{}\"", "x".repeat(length)));
    for value in depths.chain(shorts).chain(longs) {
        for line in [
            format!(r#"{{"message":"m","meta":{{"a":{value}}}}}"#),
            format!(r#"{{"message":"m","a":{value}}}"#),
            format!(r#"{{"message":"m","meta":{{"b":0}},"a":{value}}}"#),
        ] {
            assert_as_reference(line.as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn every_line_is_read_as_plainly(
        members in prop::collection::vec(any_member(), 0..6),
        space in any_space(),
        message in any::<bool>(),
    ) {
        let mut members = members;
        if message {
            members.insert(0, (r#""message""#.to_owned(), r#""m""#.to_owned()));
        }
        assert_as_reference(object(&members, space).as_bytes());
    }

    #[test]
    fn every_damaged_line_is_read_as_plainly(
        members in prop::collection::vec(any_member(), 1..4),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(b'}'), Just(b','), Just(0)],
    ) {
        let mut line = object(&members, "").into_bytes();
        let at = at.index(line.len());
        line[at] = byte;
        assert_as_reference(&line);
    }
}
