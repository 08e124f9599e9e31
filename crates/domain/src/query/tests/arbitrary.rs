//! Random trees in normal form.

use std::ops::Bound;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use time::{Duration, OffsetDateTime};

use crate::level::Level;
use crate::query::ast::{
    Expr, Field, LevelRange, MessageTest, MetaTest, OptionalField, Query, Test, TextField, TextTest,
    TimeRange, ValueRange,
};
use crate::query::evaluate::fold;
use crate::query::moment::{Moment, Relative};
use crate::query::number::Number;
use crate::query::pattern::Pattern;
use crate::query::pipe::{Aggregate, Function, Interval, Measure, Stage, Stats, Top};
use crate::query::text::{MetaPath, Phrase};

/// Texts that look like parts of the language, and others. Not empty.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "error",
            "AND",
            "or",
            "Not",
            "TO",
            "->",
            "a b",
            "\"",
            "\\",
            "*",
            "x*",
            "500",
            "-5",
            "5e2",
            "1.0.0",
            "has",
            "level",
            "/api/",
            "it's",
            "user-agent",
            "\u{e9}\u{130}",
            "\u{345}a",
            "a:b",
            "12:30",
            "(",
            "[1",
            ">5",
            "=",
            "|",
            "true",
            "null",
            "\n",
            "-x",
            "!x",
            "http://a/b",
            " ",
            "9007199254740993",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9_.-]{1,8}",
        "\\PC{1,6}",
    ]
}

fn path() -> impl Strategy<Value = MetaPath> {
    let usual = select(vec![
        "http.status",
        "a",
        "b",
        "odd name",
        "level",
        "k8s/x",
        "@t",
        "by",
        "404",
        "x,y",
    ]);
    prop_oneof![3 => usual.prop_map(str::to_owned), 1 => text()].prop_map(|path| MetaPath::new(path).unwrap())
}

/// Compiled once: compiling takes longer than all the rest.
static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    [
        "a.*b", "a/b", "a\\\\/b", "^/x$", "(?i)time", "[\"|]", "\\(", " ", "[0-9]+", "\u{e9}",
    ]
    .map(|source| Pattern::new(source).unwrap())
    .to_vec()
});

fn pattern() -> impl Strategy<Value = Pattern> {
    select(PATTERNS.as_slice())
}

fn message() -> impl Strategy<Value = MessageTest> {
    prop_oneof![
        4 => text().prop_map(|text| Phrase::new(text.as_str()).map_or(MessageTest::Contains(text), MessageTest::Words)),
        2 => text().prop_map(|text| Phrase::new(text.as_str()).map_or(MessageTest::Contains(text), MessageTest::Prefix)),
        2 => text().prop_map(MessageTest::Contains),
        1 => pattern().prop_map(MessageTest::Regex),
    ]
}

fn text_test() -> impl Strategy<Value = TextTest> {
    prop_oneof![
        4 => prop_oneof![text(), Just(String::new())].prop_map(TextTest::Equals),
        2 => text().prop_map(TextTest::Prefix),
        1 => text().prop_map(TextTest::Contains),
        1 => pattern().prop_map(TextTest::Regex),
    ]
}

/// Two values that rise, as a range that holds something.
fn bounds<T: Clone + std::fmt::Debug>(lower: T, upper: T, is_equal: bool, shape: u8) -> (Bound<T>, Bound<T>) {
    if is_equal {
        return (Bound::Included(lower), Bound::Included(upper));
    }
    match shape % 8 {
        0 => (Bound::Included(lower), Bound::Included(upper)),
        1 => (Bound::Included(lower), Bound::Excluded(upper)),
        2 => (Bound::Excluded(lower), Bound::Included(upper)),
        3 => (Bound::Excluded(lower), Bound::Excluded(upper)),
        4 => (Bound::Included(lower), Bound::Unbounded),
        5 => (Bound::Excluded(lower), Bound::Unbounded),
        6 => (Bound::Unbounded, Bound::Included(upper)),
        _ => (Bound::Unbounded, Bound::Excluded(upper)),
    }
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i32>().prop_map(|n| Number::from_f64(n.into()).unwrap()),
        any::<u64>().prop_map(|n| Number::from_json(&n.into()).unwrap()),
        any::<i64>().prop_map(|n| Number::from_json(&n.into()).unwrap()),
        proptest::num::f64::NORMAL.prop_map(|n| Number::from_f64(n).unwrap()),
    ]
}

fn value_range() -> impl Strategy<Value = ValueRange> {
    let numbers = (number(), number(), any::<u8>()).prop_map(|(a, b, shape)| {
        let (from, to) = bounds(a.min(b), a.max(b), a == b, shape);
        ValueRange::Numbers { from, to }
    });
    let word = text().prop_filter("numbers make a range of numbers", |text| {
        Number::parse(text).is_none()
    });
    let word = word.boxed();
    let texts = (word.clone(), word, any::<u8>()).prop_map(|(a, b, shape)| {
        let (a, b) = if fold(&a) <= fold(&b) { (a, b) } else { (b, a) };
        let is_equal = fold(&a) == fold(&b);
        let (from, to) = bounds(a, b, is_equal, shape);
        ValueRange::Texts { from, to }
    });
    prop_oneof![numbers, texts]
}

fn time_range() -> impl Strategy<Value = TimeRange> {
    let at = prop_oneof![
        (0_i64..40_000).prop_map(|day| OffsetDateTime::UNIX_EPOCH + Duration::days(day)),
        (-62_167_219_200_i64..253_402_300_799)
            .prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap()),
        (0_i64..2_000_000_000, 0_i64..1_000_000_000).prop_map(|(at, ns)| {
            OffsetDateTime::from_unix_timestamp(at).unwrap() + Duration::nanoseconds(ns)
        }),
    ]
    .boxed();
    let day = (0_i64..40_000).prop_map(|day| {
        let from = OffsetDateTime::UNIX_EPOCH + Duration::days(day);
        TimeRange {
            from: Bound::Included(Moment::At(from)),
            to: Bound::Excluded(Moment::At(from + Duration::DAY)),
        }
    });
    let any = (at.clone(), at.clone(), any::<u8>()).prop_map(|(a, b, shape)| {
        let (from, to) = bounds(Moment::At(a.min(b)), Moment::At(a.max(b)), a == b, shape);
        TimeRange { from, to }
    });
    let relative = || {
        let parts = (-5_i32..=5, select(vec!['s', 'm', 'h', 'd', 'w']));
        parts.prop_map(|(amount, unit)| Relative::parse(&format!("now{amount:+}{unit}")).unwrap())
    };
    let since = (relative(), at, 0..6_u8).prop_map(|(relative, at, shape)| {
        // Both ends, or one of them.
        let (from, to) = match shape {
            0 | 1 => bounds(Moment::Relative(relative), Moment::At(at), false, shape),
            shape => bounds(
                Moment::Relative(relative),
                Moment::Relative(relative),
                false,
                shape + 2,
            ),
        };
        TimeRange { from, to }
    });
    prop_oneof![day, any, since]
}

fn level_range() -> impl Strategy<Value = LevelRange> {
    (select(Level::ALL.to_vec()), select(Level::ALL.to_vec())).prop_map(|(a, b)| LevelRange {
        min: a.min(b),
        max: a.max(b),
    })
}

fn text_field() -> impl Strategy<Value = TextField> {
    select(vec![
        TextField::Service,
        TextField::Environment,
        TextField::TraceId,
        TextField::RequestId,
    ])
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        5 => message().prop_map(Test::Message),
        2 => level_range().prop_map(Test::Level),
        1 => time_range().prop_map(Test::Ts),
        3 => (text_field(), text_test()).prop_map(|(field, test)| Test::Text(field, test)),
        4 => (path(), text_test()).prop_map(|(path, test)| Test::Meta(path, MetaTest::Text(test))),
        2 => (path(), value_range()).prop_map(|(path, range)| Test::Meta(path, MetaTest::Range(range))),
        1 => prop_oneof![
            Just(OptionalField::TraceId),
            Just(OptionalField::RequestId),
            path().prop_map(OptionalField::Meta),
        ]
        .prop_map(Test::Has),
    ]
}

pub(super) fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![20 => test().prop_map(Expr::Test), 1 => Just(Expr::All)];
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..4).prop_map(Expr::and),
            2 => vec(inner.clone(), 0..4).prop_map(Expr::or),
            1 => inner.prop_map(Expr::not),
            // Values of one field.
            1 => (path(), vec(text_test(), 2..4), any::<bool>()).prop_map(|(path, tests, negated)| {
                let mut members: Vec<Expr> = tests
                    .into_iter()
                    .map(|test| Expr::Test(Test::Meta(path.clone(), MetaTest::Text(test))))
                    .collect();
                if negated {
                    let last = members.pop().unwrap();
                    members.push(Expr::not(last));
                }
                Expr::or(members)
            }),
        ]
    })
}

fn groupable() -> impl Strategy<Value = Field> {
    prop_oneof![
        Just(Field::Level),
        text_field().prop_map(Field::Text),
        path().prop_map(Field::Meta),
    ]
}

fn function() -> impl Strategy<Value = Function> {
    prop_oneof![
        Just(Function::Count),
        (select(Measure::ALL.to_vec()), path())
            .prop_map(|(measure, path)| Function::Of(measure, Field::Meta(path))),
        prop_oneof![groupable(), Just(Field::Ts), Just(Field::Message)]
            .prop_map(|field| Function::Of(Measure::CountDistinct, field)),
    ]
}

pub(super) fn stage() -> impl Strategy<Value = Stage> {
    let names = subsequence(vec!["a", "b2", "_c", "as", "by", "every", "x"], 7).prop_shuffle();
    let stats = (
        vec((function(), any::<bool>()), 1..5),
        names,
        vec(groupable(), 0..4),
        option::of((1_u64..2_592_000, select(vec![1, 60, 3600, 86_400]))),
    )
        .prop_map(|(functions, names, mut by, every)| {
            let mut seen = Vec::new();
            by.retain(|field| {
                let is_new = !seen.contains(field);
                seen.push(field.clone());
                is_new
            });
            let aggregates = functions
                .into_iter()
                .zip(names)
                .map(|((function, named), name)| Aggregate {
                    function,
                    alias: named.then(|| name.to_owned()),
                });
            let every = every
                .map(|(seconds, unit)| Interval::from_seconds((seconds / unit * unit).max(unit)).unwrap());
            Stats {
                aggregates: aggregates.collect(),
                by,
                every,
            }
        })
        .prop_filter("columns have names of their own", |stats| {
            let mut names = stats.column_names();
            names.sort();
            names.windows(2).all(|pair| pair[0] != pair[1])
        })
        .prop_map(Stage::Stats);
    let top = (1..=Top::MAX, groupable()).prop_map(|(limit, field)| Stage::Top(Top { limit, field }));
    prop_oneof![3 => stats, 1 => top, 1 => Just(Stage::Patterns)]
}

pub(super) fn query() -> impl Strategy<Value = Query> {
    (expr(), option::weighted(0.3, stage())).prop_map(|(filter, stage)| Query {
        filter,
        pipe: stage.into_iter().collect(),
    })
}
