//! What the lines of one scope must meet, prepared for being decided fast: on one line, or on a block of them at once.
//! No I/O.

use std::ops::Bound;

use domain::level::Level;
use domain::query::Expr;
use domain::query::ast::{LevelRange, MessageTest, MetaTest, Test, TextField, TextTest, TimeRange};
use domain::words::certain_words;
use xxhash_rust::xxh3::Xxh3;

use super::leaf::{BlockTexts, Leaf, Texts};
use super::merge::micros;
use crate::filter::Term;
use crate::segment::Column;

/// A query as it applies to the lines of one service and environment.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Levels that may match, a bit for each code.
    levels: u8,
    /// Times that may match, in microseconds since 1970: from inclusive, to exclusive.
    times: (i64, i64),
    /// A line matches if its level and time may, and each of these is met.
    parts: Vec<Part>,
    /// What the word filter of a block must hold.
    terms: Needed,
}

/// Of the things that must all be met those that look at the same columns.
#[derive(Clone, Debug)]
pub(super) struct Part {
    nodes: Vec<Node>,
    /// Of what it asks: of any block the same rows meet parts of the same digest. Not one that nobody could forge, since lines
    /// of one organisation are only looked for by its own questions.
    pub(super) digest: u128,
    /// The columns that it looks at, each once, in the order of the segment.
    pub(super) columns: Vec<Column>,
}

#[derive(Clone, Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf(Leaf),
}

/// What a block must hold for one of its lines to match, as far as word filters know.
#[derive(Clone, Debug)]
enum Needed {
    Anything,
    /// Something of this hash in this column.
    Term(Column, u64),
    All(Vec<Needed>),
    Any(Vec<Needed>),
}

const ALL_LEVELS: u8 = (1 << Level::ALL.len()) - 1;

impl Condition {
    /// Every line.
    pub fn all() -> Self {
        Self {
            levels: ALL_LEVELS,
            times: (i64::MIN, i64::MAX),
            parts: Vec::new(),
            terms: Needed::Anything,
        }
    }

    /// What the query asks of the lines of this service and environment; `None` if none of them can match.
    pub fn for_scope(query: &Expr, service: &str, environment: &str) -> Option<Self> {
        let expr = query.for_scope(service, environment);
        if expr.is_nothing() {
            return None;
        }
        let mut condition = Self {
            terms: needed(&expr),
            ..Self::all()
        };
        match expr {
            Expr::And(members) => members.into_iter().for_each(|member| condition.require(member)),
            other => condition.require(other),
        }
        condition
            .parts
            .sort_by_key(|part| (part.columns.len(), part.cost()));
        (condition.levels != 0 && condition.times.0 < condition.times.1).then_some(condition)
    }

    /// The same, and one of these levels; of any level if there are none.
    #[must_use]
    pub fn with_levels(mut self, levels: &[Level]) -> Self {
        if !levels.is_empty() {
            self.levels &= levels.iter().fold(0, |bits, level| bits | bit(*level));
        }
        self
    }

    fn require(&mut self, expr: Expr) {
        match expr {
            Expr::All => {}
            Expr::Test(Test::Level(range)) => self.levels &= levels_of(range),
            Expr::Not(inner) if matches!(*inner, Expr::Test(Test::Level(_))) => {
                if let Expr::Test(Test::Level(range)) = *inner {
                    self.levels &= !levels_of(range);
                }
            }
            Expr::Test(Test::Ts(range)) => {
                let (from, to) = times_of(range);
                self.times = (self.times.0.max(from), self.times.1.min(to));
            }
            other => {
                let node = Node::new(&other);
                let asked = format!("{other:?}");
                let mut columns = Vec::new();
                node.columns(&mut columns);
                columns.sort_unstable_by_key(|column| *column as u8);
                columns.dedup();
                match self.parts.iter_mut().find(|part| part.columns == columns) {
                    Some(part) => {
                        part.nodes.push(node);
                        part.digest = digest(part.digest, &asked);
                    }
                    None => self.parts.push(Part {
                        nodes: vec![node],
                        digest: digest(0, &asked),
                        columns,
                    }),
                }
            }
        }
    }

    /// The levels that match, in their order, if it looks at nothing else.
    pub fn only_levels(&self) -> Option<Vec<Level>> {
        let is_all = self.parts.is_empty() && self.times == (i64::MIN, i64::MAX);
        is_all.then(|| {
            Level::ALL
                .into_iter()
                .filter(|level| self.wants(*level))
                .collect()
        })
    }

    pub(super) fn wants(&self, level: Level) -> bool {
        self.levels & bit(level) != 0
    }

    /// The same for a level as segments hold it.
    pub(super) fn wants_code(&self, code: u8) -> bool {
        code < 8 && self.levels & (1 << code) != 0
    }

    pub(super) fn wants_all_levels(&self) -> bool {
        self.levels == ALL_LEVELS
    }

    /// In microseconds since 1970: from inclusive, to exclusive.
    pub(super) fn times(&self) -> (i64, i64) {
        self.times
    }

    /// Those that look at few and cheap columns first.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn has_terms(&self) -> bool {
        !matches!(self.terms, Needed::Anything)
    }

    /// Whether a block may hold a match, of which it is known whether a column may hold something of a hash.
    pub(super) fn may_match(&self, may_hold: impl Fn(Column, u64) -> bool) -> bool {
        self.terms.may_be_met(&may_hold)
    }

    /// Whether a line whose level and time may match does.
    pub(super) fn matches(&self, line: &Texts<'_>) -> bool {
        self.parts
            .iter()
            .flat_map(|part| &part.nodes)
            .all(|node| node.matches(line))
    }
}

/// Of what was asked before, and this as well.
fn digest(before: u128, asked: &str) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(&before.to_le_bytes());
    hasher.update(asked.as_bytes());
    hasher.digest128()
}

fn bit(level: Level) -> u8 {
    1 << level.code()
}

pub(super) fn levels_of(range: LevelRange) -> u8 {
    let within = |level: &Level| (range.min..=range.max).contains(level);
    Level::ALL
        .into_iter()
        .filter(within)
        .fold(0, |bits, level| bits | bit(level))
}

/// From inclusive, to exclusive. Lines' times are whole microseconds.
pub(super) fn times_of(range: TimeRange) -> (i64, i64) {
    /// The first whole microsecond that is not before.
    fn at_or_after(nanos: i128) -> i64 {
        nanos
            .div_euclid(1_000)
            .saturating_add(i128::from(nanos.rem_euclid(1_000) > 0)) as i64
    }
    // One that was not fixed to a moment holds no time.
    let Some((from, to)) = range.fixed() else {
        return (i64::MAX, i64::MIN);
    };
    let from = match from {
        Bound::Included(at) => at_or_after(at.unix_timestamp_nanos()),
        Bound::Excluded(at) => micros(at) + 1,
        Bound::Unbounded => i64::MIN,
    };
    let to = match to {
        Bound::Included(at) => micros(at) + 1,
        Bound::Excluded(at) => at_or_after(at.unix_timestamp_nanos()),
        Bound::Unbounded => i64::MAX,
    };
    (from, to)
}

impl Part {
    /// The cheaper, the lower: ids are short, metadata has to be parsed.
    fn cost(&self) -> usize {
        let cost = |column: &Column| match column {
            Column::Level | Column::Ts | Column::Id => 0,
            Column::Trace | Column::Request => 1,
            Column::Message => 2,
            Column::Meta => 3,
        };
        self.columns.iter().map(cost).sum()
    }

    /// The rows of a block that meet it, rising.
    pub(super) fn rows(&self, block: &BlockTexts<'_>) -> Vec<u32> {
        intersections(&self.nodes, block)
    }
}

impl Node {
    fn new(expr: &Expr) -> Self {
        let all = |members: &[Expr]| members.iter().map(Self::new).collect();
        match expr {
            Expr::All => Self::All(Vec::new()),
            Expr::And(members) => Self::All(all(members)),
            Expr::Or(members) => Self::Any(all(members)),
            Expr::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Expr::Test(test) => Self::Leaf(Leaf::new(test)),
        }
    }

    fn columns(&self, into: &mut Vec<Column>) {
        match self {
            Self::All(members) | Self::Any(members) => members.iter().for_each(|node| node.columns(into)),
            Self::Not(inner) => inner.columns(into),
            Self::Leaf(leaf) => into.push(leaf.column()),
        }
    }

    fn matches(&self, line: &Texts<'_>) -> bool {
        match self {
            Self::All(members) => members.iter().all(|node| node.matches(line)),
            Self::Any(members) => members.iter().any(|node| node.matches(line)),
            Self::Not(inner) => !inner.matches(line),
            Self::Leaf(leaf) => leaf.matches(line),
        }
    }

    fn rows(&self, block: &BlockTexts<'_>) -> Vec<u32> {
        match self {
            Self::All(members) => intersections(members, block),
            Self::Any(members) => {
                let mut rows: Vec<u32> = members.iter().flat_map(|node| node.rows(block)).collect();
                rows.sort_unstable();
                rows.dedup();
                rows
            }
            Self::Not(inner) => {
                let rows = inner.rows(block);
                (0..block.len())
                    .filter(|row| rows.binary_search(row).is_err())
                    .collect()
            }
            Self::Leaf(leaf) => leaf.rows(block),
        }
    }
}

/// The rows that all of them match.
fn intersections(nodes: &[Node], block: &BlockTexts<'_>) -> Vec<u32> {
    let Some((first, others)) = nodes.split_first() else {
        return (0..block.len()).collect();
    };
    let mut rows = first.rows(block);
    for node in others {
        if rows.is_empty() {
            break;
        }
        rows = intersection(&rows, &node.rows(block));
    }
    rows
}

/// Of two rising lists.
pub(super) fn intersection(left: &[u32], right: &[u32]) -> Vec<u32> {
    let (few, many) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    few.iter()
        .copied()
        .filter(|row| many.binary_search(row).is_ok())
        .collect()
}

impl Needed {
    fn all(members: impl Iterator<Item = Self>) -> Self {
        let known: Vec<Self> = members
            .filter(|needed| !matches!(needed, Self::Anything))
            .collect();
        if known.is_empty() {
            Self::Anything
        } else {
            Self::All(known)
        }
    }

    fn any(members: impl Iterator<Item = Self>) -> Self {
        let members: Vec<Self> = members.collect();
        if members.iter().any(|needed| matches!(needed, Self::Anything)) {
            Self::Anything
        } else {
            Self::Any(members)
        }
    }

    fn may_be_met(&self, may_hold: &impl Fn(Column, u64) -> bool) -> bool {
        match self {
            Self::Anything => true,
            Self::Term(column, hash) => may_hold(*column, *hash),
            Self::All(members) => members.iter().all(|needed| needed.may_be_met(may_hold)),
            Self::Any(members) => members.iter().any(|needed| needed.may_be_met(may_hold)),
        }
    }
}

fn needed(expr: &Expr) -> Needed {
    match expr {
        Expr::All | Expr::Not(_) => Needed::Anything,
        Expr::And(members) => Needed::all(members.iter().map(needed)),
        Expr::Or(members) => Needed::any(members.iter().map(needed)),
        Expr::Test(test) => needed_of(test),
    }
}

fn needed_of(test: &Test) -> Needed {
    let term = |term: Term<'_>| Needed::Term(term.column(), term.hash());
    let words = |words: &[String]| Needed::all(words.iter().map(|word| term(Term::Word(word))));
    match test {
        Test::Message(MessageTest::Words(phrase)) => words(phrase.words()),
        Test::Message(MessageTest::Prefix(phrase)) => {
            words(phrase.words().split_last().map_or(&[], |(_, whole)| whole))
        }
        Test::Message(MessageTest::Contains(text)) => words(&certain_words(text)),
        Test::Text(TextField::TraceId, TextTest::Equals(id)) => term(Term::TraceId(id)),
        Test::Text(TextField::RequestId, TextTest::Equals(id)) => term(Term::RequestId(id)),
        Test::Meta(path, MetaTest::Text(TextTest::Equals(value))) => term(Term::Pair(path.as_str(), value)),
        Test::Message(MessageTest::Regex(_))
        | Test::Level(_)
        | Test::Ts(_)
        | Test::Text(..)
        | Test::Meta(..)
        | Test::Has(_) => Needed::Anything,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::columns::Columns;
    use crate::segment::{Decoder, Encoder, Ids, Index, Texts as Stored};

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ab \u{e9}K\u{212a}A0-1._:-]{0,8}",
            Just("a b k".to_owned()),
            Just("A.B 10".to_owned()),
        ]
    }

    /// Few shapes with many variables between them, or hardly two alike.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        let variable = "[ab01]{0,2}[01][ab01.]{0,2}";
        let shapes = prop::collection::vec((text(), text()), 1..3);
        let folded = (
            shapes,
            prop::collection::vec((0..2_usize, variable, variable), 1..24),
        );
        let folded = folded.prop_map(|(shapes, rows)| {
            let text = |(shape, first, second)| {
                let (start, end): &(String, String) = &shapes[shape % shapes.len()];
                format!("{start}{first}{end}{second}{start}")
            };
            rows.into_iter().map(text).collect()
        });
        prop_oneof![prop::collection::vec(text(), 1..12), folded]
    }

    fn query() -> impl Strategy<Value = String> {
        let test = prop_oneof![
            "[abk01]{1,2}",
            "[abk01]{1,2}\\*",
            "[abk]{1,2}[. ]?[abk01]{1,3}",
            "\\*[abk .]{1,3}\\*".prop_map(|text| text.replace(' ', "\\ ")),
            "\"[abk01. ]{1,4}\"",
            "/[abk01]{1,2}/",
            "n:[abk01]{1,2}",
            "n:>=[01]",
            Just("has:n".to_owned()),
            "trace_id:[abk01]{1,2}\\*?",
            Just("level:>=warn".to_owned()),
        ];
        (test.clone(), test, 0..4_u8).prop_map(|(left, right, how)| match how {
            0 => left,
            1 => format!("{left} {right}"),
            2 => format!("{left} OR {right}"),
            _ => format!("-({left} OR NOT {right})"),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]
        #[test]
        fn a_block_matches_where_its_lines_do(texts in texts(), query in query()) {
            let Ok(query) = Expr::parse(&query) else { return Ok(()) };
            let node = Node::new(&query);
            let meta = |text: &str| serde_json::json!({"n": text}).to_string();
            let mut rows = Columns::default();
            for (row, text) in texts.iter().enumerate() {
                rows.ts.push(0);
                rows.level.push(row as u8 % 6);
                rows.message.push(text.as_bytes());
                rows.meta.push(meta(text).as_bytes());
                rows.trace_id.push(text.as_bytes());
                rows.request_id.push(b"");
            }
            let segment = Encoder::with_filters().unwrap().encode(&rows, Ids::From(1)).unwrap();
            let stored = &Index::parse(&segment.index).unwrap().blocks[0];
            let mut decoders = [(); 3].map(|()| Decoder::new().unwrap());
            let mut block = BlockTexts {
                rows: texts.len() as u32,
                levels: rows.level.clone(),
                ..BlockTexts::default()
            };
            let mut is_folded = false;
            for (column, decoder) in [Column::Message, Column::Meta, Column::Trace].into_iter().zip(&mut decoders) {
                let part = &segment.columns[column as usize][stored.range(column)];
                let texts = decoder.view(stored, column, part).unwrap();
                is_folded |= matches!(texts, Stored::Folded(_));
                block.set(column, texts);
            }
            let expected: Vec<u32> = (0..texts.len())
                .filter(|row| {
                    let text = &texts[*row];
                    node.matches(&Texts {
                        ts: 0,
                        level: Level::ALL[row % 6],
                        message: text,
                        meta: &meta(text),
                        trace_id: text,
                        request_id: "",
                    })
                })
                .map(|row| row as u32)
                .collect();
            prop_assert_eq!(node.rows(&block), expected, "{} (folded: {})", query, is_folded);
        }
    }

    #[rstest::rstest]
    #[case("level:>=warn", "service:web", true)]
    #[case("service:web", "level:>=fatal -level:fatal", false)]
    #[case("service:db OR env:staging", "", false)]
    #[case("ts:>2026-01-01 ts:<2025-01-01", "", false)]
    fn what_no_line_of_a_scope_can_match_is_known_before_reading(
        #[case] left: &str,
        #[case] right: &str,
        #[case] expected: bool,
    ) {
        let query = Expr::parse(&format!("{left} {right}")).unwrap();
        let condition = Condition::for_scope(&query, "web", "production");
        assert_eq!(condition.is_some(), expected);
    }
}
