//! Values of fields that make out more of one search than of another: facets of both, compared.

use std::collections::{BTreeMap, BTreeSet};

use db::{DbError, TenantTx};
use domain::query::aggregate::{Cell, Table};
use domain::query::ast::{Field, LevelRange, MetaTest, TextTest};
use domain::query::pipe::{Stage, Top};
use domain::query::{Expr, Test};
use domain::what_changed::{self, Lines};

use super::Side;
use crate::numbers;
use crate::reader::Reader;

/// Lines of each search, the newest first.
const SAMPLE: u64 = 50_000;
/// Values of each field that are compared.
const VALUES: u16 = 200;

/// A value that leans to one of them.
#[derive(Clone, Debug)]
pub struct Leaning {
    pub field: String,
    pub value: String,
    /// Lines that have it, of those that were looked at.
    pub lines: Lines,
    /// Of the lines that were looked at in each, 0 to 1.
    pub share_before: f64,
    pub share_after: f64,
    /// How much it stands out, in standard deviations.
    pub score: f64,
    /// A query that finds its lines.
    pub query: String,
}

pub(super) async fn compare(
    reader: &Reader,
    tx: &TenantTx<'_>,
    sides: [Side<'_>; 2],
    fields: &[(String, Field)],
    limit: usize,
) -> Result<Vec<Leaning>, DbError> {
    let stages: Vec<Stage> = fields
        .iter()
        .map(|(_, field)| {
            Stage::Top(Top {
                limit: VALUES,
                field: field.clone(),
            })
        })
        .collect();
    if stages.is_empty() {
        return Ok(Vec::new());
    }
    let [before, after] = sides;
    let before = numbers::compute(reader, tx, before.plan, before.chosen, &stages, SAMPLE).await?;
    let after = numbers::compute(reader, tx, after.plan, after.chosen, &stages, SAMPLE).await?;
    let totals = Lines {
        before: before.lines,
        after: after.lines,
    };
    let mut leaning: Vec<Leaning> = fields
        .iter()
        .zip(before.tables.iter().zip(&after.tables))
        .flat_map(|((name, _), tables)| of_field(name, tables, totals))
        .collect();
    leaning.sort_by(|one, other| {
        let by_score = other.score.total_cmp(&one.score);
        by_score.then_with(|| (&one.field, &one.value).cmp(&(&other.field, &other.value)))
    });
    leaning.truncate(limit);
    Ok(leaning)
}

fn of_field(name: &str, (before, after): (&Table, &Table), totals: Lines) -> Vec<Leaning> {
    let (before, after) = (Counted::of(before), Counted::of(after));
    let values: BTreeSet<&String> = before.values.keys().chain(after.values.keys()).collect();
    let view = |value: &String| {
        let lines = Lines {
            before: before.lines(value),
            after: after.lines(value),
        };
        let leaning = what_changed::leaning(lines, totals)?;
        Some(Leaning {
            field: name.to_owned(),
            value: value.clone(),
            lines,
            share_before: leaning.share_before,
            share_after: leaning.share_after,
            score: leaning.score,
            query: query(name, value),
        })
    };
    values.into_iter().filter_map(view).collect()
}

/// How many lines have which value.
struct Counted {
    values: BTreeMap<String, u64>,
    /// What a value that is not there may have at most.
    least: u64,
}

impl Counted {
    fn of(table: &Table) -> Self {
        let values: BTreeMap<String, u64> = table
            .rows
            .iter()
            .filter_map(|row| {
                let [value, count] = &row[..] else { return None };
                Some((text(value)?, whole(count)?))
            })
            .collect();
        let is_cut = values.len() >= usize::from(VALUES);
        let least = values.values().min().copied().filter(|_| is_cut);
        Self {
            least: least.unwrap_or(0),
            values,
        }
    }

    fn lines(&self, value: &str) -> u64 {
        self.values.get(value).copied().unwrap_or(self.least)
    }
}

/// Finds the lines with this value.
fn query(name: &str, value: &str) -> String {
    let text = || TextTest::Equals(value.to_owned());
    let test = match Field::named(name) {
        Some(Field::Text(field)) => Test::Text(field, text()),
        Some(Field::Meta(path)) => Test::Meta(path, MetaTest::Text(text())),
        Some(Field::Level) => match value.parse() {
            Ok(level) => Test::Level(LevelRange {
                min: level,
                max: level,
            }),
            Err(_) => return String::new(),
        },
        Some(Field::Ts | Field::Message) | None => return String::new(),
    };
    Expr::Test(test).to_string()
}

/// A value as text; numbers as they were written.
fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        Cell::Rest => Some("…".to_owned()),
        Cell::Null | Cell::Time(_) | Cell::Number(_) => None,
    }
}

fn whole(cell: &Cell) -> Option<u64> {
    match cell {
        Cell::Number(number) => number.to_string().parse().ok(),
        Cell::Null | Cell::Rest | Cell::Time(_) | Cell::Text(_) => None,
    }
}
