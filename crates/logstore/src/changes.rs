//! What differs between two searches: which templates have new, gone, more or fewer lines, and which values of fields make out more
//! of one of them.

use std::collections::HashMap;
use std::sync::Arc;

use db::{DbError, TenantTx};
use domain::ids::ServiceId;
use domain::level::Level;
use domain::patterns::TemplateId;
use domain::query::ast::Field;
use domain::what_changed::{self, Change, Kind, Lines};
use time::OffsetDateTime;

use crate::numbers;
use crate::reader::{Chosen, PatternCount, Patterns, Plan, Reader};

mod leanings;

pub use leanings::Leaning;

/// Fields of the metadata that are compared where none are named.
const USUAL_FIELDS: usize = 8;

/// A template that is new, gone, risen or fallen.
#[derive(Clone, Debug)]
pub struct ChangedPattern {
    pub kind: Kind,
    /// How much it stands out, comparable within the answer.
    pub score: f64,
    /// How many times as many lines as expected; nothing for a new one.
    pub ratio: Option<f64>,
    /// Its lines in each of the two.
    pub lines: Lines,
    pub id: TemplateId,
    pub service_id: ServiceId,
    /// The highest level of its lines.
    pub level: Level,
    pub first_seen: Option<OffsetDateTime>,
    pub text: String,
    pub sample: String,
}

/// What changed among templates.
#[derive(Clone, Debug)]
pub struct ChangedPatterns {
    /// The most telling first.
    pub patterns: Vec<ChangedPattern>,
    /// Lines after that are expected for each line before.
    pub scale: f64,
    /// That changed too, past the limit.
    pub more: usize,
    /// That have lines and did not change.
    pub unchanged: usize,
}

type Key = (ServiceId, TemplateId);

/// A template in both.
#[derive(Default)]
struct Both {
    lines: [u64; 2],
    level: Option<Level>,
    first_seen: Option<OffsetDateTime>,
}

impl Both {
    fn lines(&self) -> Lines {
        let [before, after] = self.lines;
        Lines { before, after }
    }

    fn add(&mut self, window: usize, count: &PatternCount) {
        self.lines[window] = count.lines();
        self.level = self.level.max(Some(count.level()));
        let seen = first_seen(count);
        self.first_seen = Some(self.first_seen.map_or(seen, |first| first.min(seen)));
    }
}

/// When a template was first seen: as the registry knows, or as the lines tell that it does not know yet.
pub fn first_seen(count: &PatternCount) -> OffsetDateTime {
    count
        .first_seen
        .map_or(count.first, |known| known.min(count.first))
}

/// Compares the templates of an earlier and a later window, which are so many seconds long.
pub async fn patterns(
    windows: &[Patterns; 2],
    seconds: [f64; 2],
    tx: &TenantTx<'_>,
    limit: usize,
    is_wanted: impl Fn(Kind) -> bool,
) -> Result<ChangedPatterns, DbError> {
    let mut both: HashMap<Key, Both> = HashMap::new();
    for (window, patterns) in windows.iter().enumerate() {
        for count in &patterns.counts {
            let key = (count.service_id, count.id);
            both.entry(key).or_default().add(window, count);
        }
    }
    // Lines without a template of their own are of all kinds.
    both.retain(|(_, id), _| *id != TemplateId::OTHER);
    let lines: Vec<Lines> = both.values().map(Both::lines).collect();
    let [seconds_before, seconds_after] = seconds;
    let scale = what_changed::scale(&lines, seconds_before, seconds_after);
    let mut changed: Vec<(Key, &Both, Change)> = both
        .iter()
        .filter_map(|(key, both)| {
            let level = both.level.unwrap_or(Level::Info);
            let change = what_changed::change(both.lines(), scale, level)?;
            is_wanted(change.kind).then_some((*key, both, change))
        })
        .collect();
    changed.sort_by(|(key, _, one), (other_key, _, other)| {
        other.score.total_cmp(&one.score).then(key.cmp(other_key))
    });
    let unchanged = both.len() - changed.len();
    let more = changed.len().saturating_sub(limit);
    changed.truncate(limit);
    let keys: Vec<Key> = changed.iter().map(|(key, _, _)| *key).collect();
    // What only one of them mined, the other does not know.
    let earlier = windows[0].describe(tx, &keys).await?;
    let later = windows[1].describe(tx, &keys).await?;
    let described = later.into_iter().zip(earlier);
    let patterns = changed
        .into_iter()
        .zip(described)
        .filter_map(|((key, both, change), (later, earlier))| {
            let described = later.or(earlier)?;
            Some(ChangedPattern {
                kind: change.kind,
                score: change.score,
                ratio: change.ratio,
                lines: both.lines(),
                id: key.1,
                service_id: key.0,
                level: both.level.unwrap_or(Level::Info),
                first_seen: both.first_seen,
                text: described.text,
                sample: described.sample,
            })
        })
        .collect();
    Ok(ChangedPatterns {
        patterns,
        scale,
        more,
        unchanged,
    })
}

/// One of two searches whose values are compared.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub plan: &'a Plan,
    pub chosen: &'a Arc<Chosen>,
}

/// Which values of fields make out more of the one than of the other, the most telling first. Without fields the usual ones: the
/// known ones that have few values, and those of the metadata that most of the newest lines of the second have.
pub async fn values(
    reader: &Reader,
    tx: &TenantTx<'_>,
    sides: [Side<'_>; 2],
    fields: Option<Vec<(String, Field)>>,
    limit: usize,
) -> Result<Vec<Leaning>, DbError> {
    let fields = match fields {
        Some(fields) => fields,
        None => usual(reader, tx, sides[1]).await?,
    };
    leanings::compare(reader, tx, sides, &fields, limit).await
}

async fn usual(reader: &Reader, tx: &TenantTx<'_>, side: Side<'_>) -> Result<Vec<(String, Field)>, DbError> {
    let (seen, _) = numbers::seen_fields(reader, tx, side.plan, side.chosen).await?;
    let mut own: Vec<(&String, Field, u64)> = seen
        .fields
        .iter()
        .filter_map(|(name, field)| match Field::named(name) {
            Some(named @ Field::Meta(_)) => Some((name, named, field.lines)),
            _ => None,
        })
        .collect();
    own.sort_by_key(|(_, _, lines)| std::cmp::Reverse(*lines));
    let known = ["level", "service", "env"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), Field::named(name)?)));
    let own = own.into_iter().take(USUAL_FIELDS);
    Ok(known
        .chain(own.map(|(name, field, _)| (name.clone(), field)))
        .collect())
}
