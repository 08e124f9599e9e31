//! Numbers over lines.

use proptest::prelude::*;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::level::Level;
use crate::query::aggregate::{Aggregator, Approximation, Cell, Limits, Table};
use crate::query::pipe::Stage;
use crate::query::{Line, Query};

fn line(seconds: i64, meta: &Value) -> Line<'_> {
    Line {
        ts: OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds),
        level: if seconds % 2 == 0 {
            Level::Info
        } else {
            Level::Error
        },
        message: "m",
        meta: Some(meta),
        trace_id: None,
        request_id: None,
        service: "checkout",
        environment: "production",
    }
}

fn aggregator(query: &str, limits: Limits) -> Aggregator {
    let stage = Query::parse(query).unwrap().pipe.remove(0);
    Aggregator::new(&stage, limits).unwrap()
}

fn table(query: &str, limits: Limits, metas: &[Value]) -> Table {
    let mut aggregator = aggregator(query, limits);
    for (second, meta) in (0..).zip(metas) {
        aggregator.add(&line(second, meta));
    }
    aggregator.finish()
}

fn show(table: &Table) -> Vec<String> {
    let cell = |cell: &Cell| match cell {
        Cell::Null => "-".to_owned(),
        Cell::Rest => "rest".to_owned(),
        Cell::Time(at) => at.unix_timestamp().to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
    };
    let row = |row: &Vec<Cell>| row.iter().map(cell).collect::<Vec<_>>().join(" ");
    table.rows.iter().map(row).collect()
}

fn metas() -> Vec<Value> {
    vec![
        json!({"ms": 10, "path": "/a", "tags": ["x", "y", "x"]}),
        json!({"ms": "20", "path": "/b", "tags": ["y"]}),
        json!({"ms": [30, 0.5], "path": "/a", "code": 500}),
        json!({"ms": "slow", "code": "500"}),
        json!({"big": 9_007_199_254_740_993_u64, "code": 5e2}),
    ]
}

#[rstest::rstest]
#[case("| stats count()", &["5"])]
#[case("| stats count() by path", &["- 2", "/a 2", "/b 1"])]
#[case("| stats count() as n, sum(ms), min(ms), max(ms) by level", &["info 3 40.5 0.5 30", "error 2 20 20 20"])]
#[case("| stats avg(ms), p50(ms), p99(ms) by path", &["/b 20 20 20", "/a 13.5 10 30", "- - - -"])]
#[case("| stats sum(big), max(big)", &["9007199254740993 9007199254740993"])]
#[case("| stats count_distinct(tags), count_distinct(level), count_distinct(ts)", &["2 2 5"])]
#[case("| stats avg(missing), count_distinct(missing), sum(missing)", &["- 0 -"])]
#[case("| stats count() by tags", &["- 3", "y 2", "x 1"])]
#[case("| stats count() by code", &["500 3", "- 2"])]
#[case("| stats count() by tags, path", &["- - 2", "- /a 1", "x /a 1", "y /a 1", "y /b 1"])]
#[case("| stats count() every 2s", &["0 2", "2 2", "4 1"])]
#[case("| stats count() by service every 3s", &["0 checkout 3", "3 checkout 2"])]
#[case("| top 1 tags", &["y 2"])]
#[case("| top 5 code", &["500 3"])]
fn lines_are_counted(#[case] query: &str, #[case] expected: &[&str]) {
    let table = table(query, Limits::default(), &metas());
    assert_eq!(show(&table), expected);
    assert_eq!(table.approximate, []);
}

#[test]
fn no_lines_are_a_row_only_without_groups() {
    assert_eq!(show(&table("| stats count()", Limits::default(), &[])), ["0"]);
    assert_eq!(
        show(&table("| stats count() by a", Limits::default(), &[])).len(),
        0
    );
    assert_eq!(
        show(&table("| stats count() every 1m", Limits::default(), &[])).len(),
        0
    );
}

#[test]
fn patterns_are_computed_elsewhere() {
    let stage = Query::parse("| patterns").unwrap().pipe.remove(0);
    assert!(Aggregator::new(&stage, Limits::default()).is_none());
}

#[test]
fn groups_past_the_bound_are_one_row_and_nothing_is_lost() {
    let metas: Vec<Value> = (0..100).map(|n| json!({"n": n % 10})).collect();
    let limits = Limits {
        groups: 3,
        ..Limits::default()
    };
    let found = table("| stats count() by n", limits, &metas);
    assert_eq!(show(&found), ["0 10", "1 10", "2 10", "rest 70"]);
    assert_eq!(found.approximate, [Approximation::Groups]);

    let limits = Limits {
        buckets: 2,
        ..Limits::default()
    };
    let found = table("| stats count() every 10s", limits, &metas);
    assert_eq!(show(&found), ["rest 80", "0 10", "10 10"]);
    assert_eq!(found.approximate, [Approximation::Buckets]);

    let limits = Limits {
        bytes: 1000,
        ..Limits::default()
    };
    let found = table("| stats count() by n", limits, &metas);
    let counted: u64 = show(&found)
        .iter()
        .map(|row| row.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!((counted, found.rows.len() < 10), (100, true));
    assert_eq!(found.approximate, [Approximation::Memory]);
}

#[test]
fn a_long_list_counts_under_some_of_its_items() {
    let meta = json!({"a": (0..100).collect::<Vec<_>>()});
    let found = table("| stats count() by a", Limits::default(), &[meta]);
    assert_eq!(found.rows.len(), 16);
    assert_eq!(found.approximate, [Approximation::Lists]);
}

fn number(cell: &Cell) -> f64 {
    match cell {
        Cell::Number(number) => number.as_f64(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn estimates_are_close_and_say_so() {
    const QUERY: &str = "| stats p50(n), p99(n), count_distinct(n)";
    let metas: Vec<Value> = (0..50_000_u32)
        .map(|n| json!({"n": n.wrapping_mul(2_654_435_761) % 50_000}))
        .collect();
    let exact = table(
        QUERY,
        Limits {
            exact_values: 50_000,
            ..Limits::default()
        },
        &metas,
    );
    assert_eq!(exact.approximate, []);
    for limits in [
        Limits::default(),
        Limits {
            bytes: 50_000,
            exact_values: 50_000,
            ..Limits::default()
        },
    ] {
        let found = table(QUERY, limits, &metas);
        assert_eq!(
            found.approximate,
            [Approximation::Percentiles, Approximation::Distinct]
        );
        for (found, exact) in found.rows[0].iter().zip(&exact.rows[0]) {
            let (found, exact) = (number(found), number(exact));
            assert!((found - exact).abs() <= exact * 0.03, "{found} for {exact}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn parts_that_are_merged_are_the_whole(
        values in prop::collection::vec((0..5_u8, -100..100_i32), 0..60),
        split in any::<prop::sample::Index>(),
        groups in 1..8_usize,
    ) {
        const QUERY: &str = "| stats count(), sum(n), avg(n), min(n), max(n), p90(n), count_distinct(n) by k every 7s";
        let metas: Vec<Value> = values.iter().map(|(k, n)| json!({"k": k, "n": n})).collect();
        let limits = Limits { groups, ..Limits::default() };
        let whole = table(QUERY, limits, &metas);
        let at = split.index(metas.len() + 1);
        let (mut left, mut right) = (aggregator(QUERY, limits), aggregator(QUERY, limits));
        for (second, meta) in (0..).zip(&metas) {
            let part = if (second as usize) < at { &mut left } else { &mut right };
            part.add(&line(second, meta));
        }
        left.merge(right);
        let merged = left.finish();
        if whole.approximate.is_empty() {
            prop_assert_eq!(merged, whole);
        } else {
            let count = |table: &Table| table.rows.iter().map(|row| number(&row[2]) as u64).sum::<u64>();
            prop_assert_eq!(count(&merged), count(&whole));
        }
    }
}

#[test]
fn a_mere_count_is_told_without_the_lines() {
    for query in ["| stats count()", "| stats count() as n, count()"] {
        let Stage::Stats(stats) = Query::parse(query).unwrap().pipe.remove(0) else {
            panic!("{query}");
        };
        assert!(stats.only_counts());
        for lines in [0, 5] {
            let of_lines = table(query, Limits::default(), &metas()[..lines]);
            assert_eq!(Table::of_count(&stats, lines as u64), of_lines);
        }
    }
    for query in [
        "| stats count() by code",
        "| stats count() every 1m",
        "| stats count(), sum(ms)",
    ] {
        let parsed = Query::parse(query).unwrap().pipe.remove(0);
        assert!(
            matches!(parsed, Stage::Stats(stats) if !stats.only_counts()),
            "{query}"
        );
    }
}
