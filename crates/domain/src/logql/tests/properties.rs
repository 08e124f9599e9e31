//! Random texts and random queries.

use proptest::prelude::*;

use super::super::json::Path;
use super::super::{
    BinaryOp, CompareOp, Conversion, Grouping, JsonField, LabelFilter, LabelPick, LineFilter, LineOp,
    LogPipeline, Logfmt, LogfmtField, MatchOp, Matcher, MetricExpr, Quantity, Query, RangeAggregation,
    RangeOp, Selector, Stage, Unwrap, VectorAggregation, VectorOp, parse, parse_selector,
};
use super::table;
use crate::logql::matcher::compile;

fn name() -> impl Strategy<Value = String> {
    // Words that mean something elsewhere are good names of labels, but where a stage or an operator is expected.
    prop_oneof![
        "[a-z_]{1,8}".prop_filter("a word that means something", |name| {
            ![
                "or", "and", "unless", "by", "without", "on", "ip", "json", "logfmt", "drop", "keep",
                "unwrap", "bytes", "duration", "xml", "unpack", "pattern", "regexp", "distinct", "offset",
            ]
            .contains(&name.as_str())
        }),
        Just("sum".to_owned()),
        Just("service".to_owned()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,8}", "[\\\\\"`\n\t#{}|]{0,5}", Just(String::new())]
}

fn pattern() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a|b", "\\d+\"", "(?i)x.*", "^`$", "[^\\\\]"]).prop_map(str::to_owned)
}

fn matcher() -> impl Strategy<Value = Matcher> {
    (
        name(),
        prop::sample::select(MatchOp::ALL.to_vec()),
        text(),
        pattern(),
    )
        .prop_map(|(name, op, text, pattern)| {
            let value = match op {
                MatchOp::Equal | MatchOp::NotEqual => text,
                MatchOp::Regex | MatchOp::NotRegex => pattern,
            };
            Matcher::new(name, op, value).unwrap()
        })
}

fn line_filter() -> impl Strategy<Value = LineFilter> {
    let texts = prop::collection::vec((text(), pattern()), 1..3);
    (prop::sample::select(LineOp::ALL.to_vec()), texts).prop_map(|(op, texts)| {
        let is_regex = matches!(op, LineOp::Matches | LineOp::MatchesNot);
        let texts: Vec<String> = texts
            .into_iter()
            .map(|(text, pattern)| if is_regex { pattern } else { text })
            .collect();
        let regexes = texts
            .iter()
            .filter(|_| is_regex)
            .map(|text| compile(text, true).unwrap());
        LineFilter {
            op,
            regexes: regexes.collect(),
            texts,
        }
    })
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-1000_i32..1000).prop_map(f64::from),
        prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL,
    ]
}

fn quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![
        number().prop_map(Quantity::Number),
        (-i64::MAX..i64::MAX).prop_map(Quantity::Duration),
        // Beyond this a size is not exact, since it is read as a float.
        (0_u64..1 << 53).prop_map(Quantity::Bytes),
    ]
}

fn label_filter() -> impl Strategy<Value = LabelFilter> {
    let compare = (name(), prop::sample::select(CompareOp::ALL.to_vec()), quantity());
    let leaf = prop_oneof![
        matcher().prop_map(LabelFilter::Match),
        compare.prop_map(|(label, op, with)| LabelFilter::Compare { label, op, with }),
    ];
    leaf.prop_recursive(4, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| LabelFilter::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| LabelFilter::Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn picks() -> impl Strategy<Value = Vec<LabelPick>> {
    let pick = prop_oneof![
        name().prop_map(LabelPick::Name),
        matcher().prop_map(LabelPick::Match)
    ];
    prop::collection::vec(pick, 1..3)
}

fn stage() -> impl Strategy<Value = Stage> {
    let path = prop::sample::select(vec!["a", "a.b[0]", "a[\"b\\\" c\"]"]);
    let json = (name(), path).prop_map(|(label, path)| JsonField {
        label,
        path: Path::parse(path).unwrap(),
    });
    let field = (name(), text()).prop_map(|(label, key)| LogfmtField { label, key });
    let logfmt = (any::<bool>(), any::<bool>(), prop::collection::vec(field, 0..3));
    prop_oneof![
        line_filter().prop_map(Stage::Line),
        prop::collection::vec(json, 0..3).prop_map(Stage::Json),
        logfmt.prop_map(|(strict, keep_empty, fields)| {
            Stage::Logfmt(Logfmt {
                strict,
                keep_empty,
                fields,
            })
        }),
        label_filter().prop_map(Stage::Label),
        picks().prop_map(Stage::Drop),
        picks().prop_map(Stage::Keep),
        Just(Stage::Decolorize),
    ]
}

fn pipeline() -> impl Strategy<Value = LogPipeline> {
    let selector = prop::collection::vec(matcher(), 0..3).prop_map(Selector::new);
    (selector, prop::collection::vec(stage(), 0..4)).prop_map(|(selector, mut stages)| {
        // `| drop a != "x"` reads as a pick by value: no text says the other thing.
        for index in 1..stages.len() {
            let picks = matches!(stages[index - 1], Stage::Drop(_) | Stage::Keep(_));
            if picks && matches!(stages[index], Stage::Line(_)) {
                stages[index] = Stage::Decolorize;
            }
        }
        LogPipeline { selector, stages }
    })
}

fn grouping() -> impl Strategy<Value = Option<Grouping>> {
    let grouping = (any::<bool>(), prop::collection::vec(name(), 0..3))
        .prop_map(|(without, labels)| Grouping { without, labels });
    prop::option::of(grouping)
}

fn range() -> impl Strategy<Value = RangeAggregation> {
    let conversion = prop::sample::select(vec![Conversion::Number, Conversion::Bytes, Conversion::Duration]);
    let unwrap = (name(), conversion, prop::collection::vec(label_filter(), 0..2)).prop_map(
        |(label, conversion, filters)| Unwrap {
            label,
            conversion,
            filters,
        },
    );
    (
        prop::sample::select(RangeOp::ALL.to_vec()),
        number(),
        pipeline(),
        unwrap,
        1..i64::MAX,
        any::<i64>(),
        grouping(),
    )
        .prop_map(
            |(op, parameter, pipeline, unwrap, range, offset, grouping)| RangeAggregation {
                op,
                parameter: (op == RangeOp::Quantile).then_some(parameter),
                pipeline,
                unwrap: (op.needs_unwrap() || (op.takes_unwrap() && offset % 2 == 0)).then_some(unwrap),
                range,
                offset: offset.max(-i64::MAX),
                grouping: grouping.filter(|_| op.takes_grouping()),
            },
        )
}

fn binary_op() -> impl Strategy<Value = BinaryOp> {
    let mut ops = vec![
        BinaryOp::Or,
        BinaryOp::And,
        BinaryOp::Unless,
        BinaryOp::Add,
        BinaryOp::Sub,
        BinaryOp::Mul,
        BinaryOp::Div,
        BinaryOp::Mod,
        BinaryOp::Pow,
    ];
    ops.extend(CompareOp::ALL.map(BinaryOp::Compare));
    prop::sample::select(ops)
}

fn metric() -> impl Strategy<Value = MetricExpr> {
    let leaf = prop_oneof![
        number().prop_map(MetricExpr::Number),
        number().prop_map(MetricExpr::Vector),
        range().prop_map(|range| MetricExpr::Range(Box::new(range))),
    ];
    leaf.prop_recursive(4, 8, 2, |inner| {
        let aggregate = (
            prop::sample::select(VectorOp::ALL.to_vec()),
            1_usize..100,
            grouping(),
            inner.clone(),
        );
        prop_oneof![
            aggregate.prop_map(|(op, k, grouping, inner)| {
                let inner = if inner.is_number() {
                    MetricExpr::Vector(1.0)
                } else {
                    inner
                };
                let k = if op.takes_parameter() { k } else { 0 };
                MetricExpr::Aggregate(Box::new(VectorAggregation {
                    op,
                    k,
                    grouping,
                    inner,
                }))
            }),
            (binary_op(), inner.clone(), inner).prop_map(|(op, left, right)| {
                let op = if left.is_number() || right.is_number() {
                    if op.is_set() { BinaryOp::Add } else { op }
                } else {
                    op
                };
                MetricExpr::Binary {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                }
            }),
        ]
    })
}

fn query() -> impl Strategy<Value = Query> {
    prop_oneof![pipeline().prop_map(Query::Log), metric().prop_map(Query::Metric)]
}

/// Pieces of queries in any order: nearer to queries than random characters are.
fn soup() -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = table::all()
        .flat_map(|(query, _)| query.split_inclusive([' ', '(', ')', '{', '}', '[', ']', '"', '|', ',']))
        .collect();
    prop::collection::vec(prop::sample::select(pieces), 0..30).prop_map(|pieces| pieces.concat())
}

/// An example with something cut out or put in.
fn damaged() -> impl Strategy<Value = String> {
    let queries: Vec<&str> = table::all().map(|(query, _)| *query).collect();
    (
        prop::sample::select(queries),
        any::<prop::sample::Index>(),
        0_usize..4,
        ".{0,2}",
    )
        .prop_map(|(query, at, cut, put)| {
            let mut chars: Vec<char> = query.chars().collect();
            let at = at.index(chars.len());
            let end = (at + cut).min(chars.len());
            chars.splice(at..end, put.chars());
            chars.into_iter().collect()
        })
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let _ = parse_selector(text);
    match parse(text) {
        Ok(query) => prop_assert_eq!(parse(&query.to_string()), Ok(query)),
        Err(error) => {
            let line = text.split('\n').nth(error.line - 1);
            prop_assert!(line.is_some(), "{error}");
            let length = line.map_or(0, |line| line.chars().count());
            prop_assert!((1..=length + 1).contains(&error.column), "{error}");
            prop_assert!(!error.message.is_empty());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_query_prints_as_a_text_that_reads_as_the_same_query(query in query()) {
        let text = query.to_string();
        let read = parse(&text);
        let bounded = read.as_ref().err().is_some_and(|error| error.message.contains("more than"));
        prop_assert!(bounded || read == Ok(query), "{}: {:?}", text, read.map(|read| read.to_string()));
    }

    #[test]
    fn no_text_is_too_strange(text in prop_oneof![".{0,60}", soup(), damaged()]) {
        check(&text)?;
    }
}

#[test]
fn long_and_deep_queries_are_refused() {
    for (query, reason) in [
        ("(".repeat(60_000), "nests deeper"),
        (format!("1{}", "+1".repeat(10_000)), "more than 200 parts"),
        (format!("1{}", "^1".repeat(10_000)), "nests deeper"),
        (
            format!("{{}} | a=\"b\" {}", "or a=\"b\" ".repeat(5_000)),
            "more than 200 parts",
        ),
        (format!("{{}} | {}a=\"b\"", "(".repeat(50_000)), "nests deeper"),
        (
            format!("{{}} {}", "|~ `a` ".repeat(21)),
            "more than 20 regular expressions",
        ),
        (
            format!("sum(count_over_time({}{{}}", "(".repeat(50_000)),
            "nests deeper",
        ),
        (" ".repeat(70_000), "longer than 65536 bytes"),
    ] {
        let error = parse(&query).unwrap_err();
        assert!(error.message.contains(reason), "{error}");
    }
}
