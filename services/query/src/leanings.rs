//! Values of fields that make out more of one window than of another: facets of both, compared.

use std::collections::{BTreeMap, BTreeSet};

use db::TenantTx;
use db::scopes::NamedScope;
use domain::query::aggregate::Table;
use domain::query::ast::{Field, LevelRange, MetaTest, TextTest};
use domain::query::pipe::{Stage, Top};
use domain::query::{Expr, Test};
use domain::what_changed::{self, Lines};
use serde::Serialize;
use service_kit::ApiError;
use utoipa::ToSchema;

use crate::app::State;
use crate::ask::Ask;
use crate::fields;
use crate::numbers::{self, json};

/// Lines of each window, the newest first.
const SAMPLE: u64 = 50_000;
/// Values of each field that are compared.
const VALUES: u16 = 200;
const MAX_FIELDS: usize = 16;
/// Fields of the metadata that are compared where none are named.
const USUAL_FIELDS: usize = 8;

/// A value that leans to one window.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeaningView {
    #[schema(example = "region")]
    field: String,
    #[schema(example = "eu-west-2")]
    value: String,
    /// Lines that have it, of those that were looked at.
    lines_before: u64,
    lines_after: u64,
    /// Of the lines that were looked at in each window, 0 to 1.
    share_before: f64,
    share_after: f64,
    /// How much it stands out, in standard deviations.
    score: f64,
    /// A query that finds its lines.
    #[schema(example = "region:eu-west-2")]
    query: String,
}

/// Which fields: these, or nothing for the usual ones.
pub(crate) fn read(names: Option<&str>) -> Result<Option<Vec<String>>, ApiError> {
    let names = match names {
        None | Some("") => return Ok(None),
        Some("none") => return Ok(Some(Vec::new())),
        Some(names) => names,
    };
    let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    if names.len() > MAX_FIELDS {
        return Err(ApiError::invalid(
            "fields",
            format!("names more than {MAX_FIELDS} fields"),
        ));
    }
    for name in &names {
        fields::parse("fields", name)?;
    }
    Ok(Some(names))
}

/// Compares the values of fields in the earlier and the later window.
pub(crate) async fn compare(
    state: &State,
    tx: &TenantTx<'_>,
    asks: &[Ask; 2],
    all: &[NamedScope],
    names: Option<Vec<String>>,
    limit: usize,
) -> Result<Vec<LeaningView>, ApiError> {
    let names = match names {
        Some(names) => names,
        None => usual(state, tx, &asks[1], all).await?,
    };
    let stages = names
        .iter()
        .map(|name| {
            let field = fields::parse("fields", name)?;
            Ok(Stage::Top(Top { limit: VALUES, field }))
        })
        .collect::<Result<Vec<Stage>, ApiError>>()?;
    if stages.is_empty() {
        return Ok(Vec::new());
    }
    let mut windows = Vec::with_capacity(asks.len());
    for ask in asks {
        let chosen = ask.choose(all.to_vec())?;
        let plan = ask.plan(&chosen, state.budget);
        windows.push(numbers::compute(&state.reader, tx, &plan, chosen, &stages, SAMPLE).await?);
    }
    let [before, after] = &windows[..] else {
        return Ok(Vec::new());
    };
    let totals = Lines {
        before: before.lines,
        after: after.lines,
    };
    let mut leaning: Vec<LeaningView> = names
        .iter()
        .zip(before.tables.iter().zip(&after.tables))
        .flat_map(|(name, tables)| of_field(name, tables, totals))
        .collect();
    leaning.sort_by(|one, other| {
        let by_score = other.score.total_cmp(&one.score);
        by_score.then_with(|| (&one.field, &one.value).cmp(&(&other.field, &other.value)))
    });
    leaning.truncate(limit);
    Ok(leaning)
}

fn of_field(name: &str, (before, after): (&Table, &Table), totals: Lines) -> Vec<LeaningView> {
    let (before, after) = (Counted::of(before), Counted::of(after));
    let values: BTreeSet<&String> = before.values.keys().chain(after.values.keys()).collect();
    let view = |value: &String| {
        let lines = Lines {
            before: before.lines(value),
            after: after.lines(value),
        };
        let leaning = what_changed::leaning(lines, totals)?;
        Some(LeaningView {
            field: name.to_owned(),
            value: value.clone(),
            lines_before: lines.before,
            lines_after: lines.after,
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
                Some((json(value).as_str()?.to_owned(), json(count).as_u64()?))
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

/// The known fields with few values, and those of the metadata that most of the newest lines have.
async fn usual(
    state: &State,
    tx: &TenantTx<'_>,
    ask: &Ask,
    all: &[NamedScope],
) -> Result<Vec<String>, ApiError> {
    let chosen = ask.choose(all.to_vec())?;
    let plan = ask.plan(&chosen, state.budget);
    let (seen, _) = numbers::seen_fields(&state.reader, tx, &plan, chosen).await?;
    let mut own: Vec<(&String, u64)> = seen
        .fields
        .iter()
        .filter(|(name, _)| matches!(Field::named(name), Some(Field::Meta(_))))
        .map(|(name, field)| (name, field.lines))
        .collect();
    own.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    let known = ["level", "service", "env"].map(str::to_owned);
    let own = own.into_iter().take(USUAL_FIELDS).map(|(name, _)| name.clone());
    Ok(known.into_iter().chain(own).collect())
}
