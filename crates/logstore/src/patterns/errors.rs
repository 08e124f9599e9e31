//! Which templates lines of level error and above have, and when lines of each arrived: what alerting asks to tell new errors.
//!
//! What was merged is told by `log_error_arrivals`, what was not is mined, in one snapshot: each line counts once, from the
//! moment at which it is visible, and by the time at which it arrived, which never changes.

use std::collections::HashMap;

use db::{DbError, TenantTx};
use domain::alerting::history::{Counts, ErrorPattern, Series};
use domain::alerting::rule::{NewPattern, floor};
use domain::ids::{EnvironmentId, ServiceId};
use domain::patterns::{Known, Miner, Template, TemplateId, form_of};
use time::OffsetDateTime;

use super::error_arrivals::{self, ScopeId, Stored, counts};
use super::registry;
use super::unmerged::{Arrived, Unmerged};

/// Reads errors by template; clones share what they remember.
#[derive(Clone)]
pub struct ErrorReader {
    unmerged: Unmerged,
}

/// Lines of one template in one scope.
#[derive(Clone, Debug)]
pub struct Found {
    /// The scope's place among those that were asked for.
    pub place: usize,
    pub pattern: ErrorPattern,
    /// Those that arrived within the times that were asked for, by the minute.
    pub lines: Series,
    /// When the newest of those before them arrived.
    pub last_before: Option<OffsetDateTime>,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub scopes: &'a [(ServiceId, EnvironmentId)],
    /// Lines that arrived from then on.
    pub from: OffsetDateTime,
    /// And before this.
    pub until: OffsetDateTime,
    /// Whether templates matter that were known before `from`.
    pub with_known: bool,
}

/// The answer.
#[derive(Debug, Default)]
pub struct Errors {
    /// In no order.
    pub found: Vec<Found>,
    /// There are lines that were not looked at. Once they are merged they are known.
    pub is_partial: bool,
}

impl Default for ErrorReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ErrorReader {
    pub fn new() -> Self {
        Self {
            unmerged: Unmerged::new(),
        }
    }

    /// Within the transaction's snapshot.
    pub async fn read(&self, tx: &TenantTx<'_>, asked: Asked<'_>) -> Result<Errors, DbError> {
        let (arrived, is_partial) = self.unmerged.read(tx, asked.scopes).await?;
        let mined = mine(tx, asked.scopes, &arrived).await?;
        let mut patterns = Gathered::new(tx, asked, mined).await?;
        if patterns.has_wanted(asked) {
            patterns.fold_forms(tx, asked).await?;
        }
        let found = patterns.describe(tx, asked).await?;
        Ok(Errors { found, is_partial })
    }
}

/// What was mined of a template in a scope.
struct Mined {
    template: Template,
    bins: Vec<(OffsetDateTime, u64)>,
}

type Place = (usize, TemplateId);

/// Assigns lines to templates, those that the registry knows included.
async fn mine(
    tx: &TenantTx<'_>,
    scopes: &[ScopeId],
    arrived: &[Arrived],
) -> Result<HashMap<Place, Mined>, DbError> {
    let mut services: Vec<ServiceId> = arrived.iter().map(|one| scopes[one.place].0).collect();
    services.sort_unstable();
    services.dedup();
    if services.is_empty() {
        return Ok(HashMap::new());
    }
    let mut known: HashMap<ServiceId, Vec<Known>> = HashMap::new();
    for (service_id, one) in registry::known(tx, &services).await? {
        known.entry(service_id).or_default().push(one);
    }
    let mut miners: HashMap<ServiceId, Miner> = HashMap::new();
    let mut mined: HashMap<Place, Mined> = HashMap::new();
    // In the order in which they arrived, as far as there is one: which variants of a template are told apart depends on it.
    let mut in_order: Vec<&Arrived> = arrived.iter().collect();
    in_order.sort_by_key(|one| (one.at, one.place));
    for one in in_order {
        let service_id = scopes[one.place].0;
        let miner = miners
            .entry(service_id)
            .or_insert_with(|| Miner::new(known.remove(&service_id).unwrap_or_default()));
        let mut alike: Vec<_> = one.alike.iter().collect();
        alike.sort_by_key(|alike| alike.own);
        for alike in alike {
            let slot = miner.assign(alike.own, &alike.message);
            let Some(template) = miner.template(slot).filter(|one| one.id != TemplateId::OTHER) else {
                continue;
            };
            let entry = mined.entry((one.place, template.id)).or_insert_with(|| Mined {
                template: template.with_text_of(&alike.message),
                bins: Vec::new(),
            });
            entry.bins.push((floor(one.at, NewPattern::STEP), alike.lines));
        }
    }
    Ok(mined)
}

/// A template in a scope, whatever its lines are stored as.
#[derive(Default)]
struct Seen {
    known_since: Option<OffsetDateTime>,
    last_before: Option<OffsetDateTime>,
    bins: Vec<(OffsetDateTime, Counts)>,
    /// If some of its lines were mined.
    template: Option<Template>,
}

struct Gathered(HashMap<Place, Seen>);

impl Gathered {
    async fn new(tx: &TenantTx<'_>, asked: Asked<'_>, mined: HashMap<Place, Mined>) -> Result<Self, DbError> {
        let places: Vec<Place> = mined.keys().copied().collect();
        let range = (asked.from, asked.until);
        let stored = error_arrivals::series(tx, asked.scopes, range, &places, asked.with_known).await?;
        let mut all = Self(HashMap::new());
        for one in stored {
            all.add_stored(one);
        }
        for (place, one) in mined {
            all.add_mined(place, one, asked);
        }
        Ok(all)
    }

    fn add_stored(&mut self, stored: Stored) {
        let seen = self.0.entry((stored.place, stored.id)).or_default();
        seen.known_since = Some(stored.known_since);
        seen.last_before = stored.last_before;
        seen.bins = stored.lines;
    }

    fn add_mined(&mut self, place: Place, mined: Mined, asked: Asked<'_>) {
        let seen = self.0.entry(place).or_default();
        for (bin, lines) in mined.bins {
            seen.known_since = Some(seen.known_since.map_or(bin, |since| since.min(bin)));
            if bin < asked.from {
                seen.last_before = seen.last_before.max(Some(bin));
            } else if bin < asked.until {
                seen.bins.push((bin, counts(lines)));
            }
        }
        seen.template = Some(mined.template);
    }

    fn has_wanted(&self, asked: Asked<'_>) -> bool {
        self.0.values().any(|seen| is_wanted(seen, asked))
    }

    /// Counts lines of forms of other templates as those of the other.
    async fn fold_forms(&mut self, tx: &TenantTx<'_>, asked: Asked<'_>) -> Result<(), DbError> {
        let forms = self.forms(tx, asked).await?;
        let missing: Vec<Place> = forms
            .values()
            .filter(|first| !self.0.contains_key(first))
            .copied()
            .collect();
        if !missing.is_empty() {
            // It has no lines in these times, but may have had some before them.
            let range = (asked.from, asked.until);
            let stored = error_arrivals::series(tx, asked.scopes, range, &missing, false).await?;
            let missing = stored
                .into_iter()
                .filter(|one| missing.contains(&(one.place, one.id)));
            missing.for_each(|one| self.add_stored(one));
        }
        for (form, first) in forms {
            let Some(seen) = self.0.remove(&form) else {
                continue;
            };
            let whole = self.0.entry(first).or_default();
            whole.known_since = whole.known_since.into_iter().chain(seen.known_since).min();
            whole.last_before = whole.last_before.max(seen.last_before);
            whole.bins.extend(seen.bins);
        }
        Ok(())
    }

    /// Which templates are forms of which.
    async fn forms(&self, tx: &TenantTx<'_>, asked: Asked<'_>) -> Result<HashMap<Place, Place>, DbError> {
        let known = self.known(tx, asked).await?;
        let mut forms = HashMap::new();
        for (place, id) in self.0.keys() {
            let Some(known) = known.get(place) else { continue };
            let Some(number) = known.iter().position(|one| one.id == *id) else {
                continue;
            };
            let mut first = form_of(&known[number], &known[..number]);
            // What that one is a form of, if it is.
            while let Some(other) = first {
                forms.insert((*place, *id), (*place, other));
                let number = known.iter().position(|one| one.id == other).unwrap_or(0);
                first = form_of(&known[number], &known[..number]);
            }
        }
        Ok(forms)
    }

    /// Adds texts to what is wanted.
    async fn describe(mut self, tx: &TenantTx<'_>, asked: Asked<'_>) -> Result<Vec<Found>, DbError> {
        self.0.retain(|_, seen| is_wanted(seen, asked));
        let places: Vec<Place> = self.0.keys().copied().collect();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<(ServiceId, TemplateId)> = places
            .iter()
            .map(|(place, template)| (asked.scopes[*place].0, *template))
            .collect();
        let mut texts: HashMap<usize, String> = HashMap::new();
        for (number, described) in registry::describe(tx, &keys).await? {
            texts.insert(number, described.text);
        }
        let mut found = Vec::with_capacity(places.len());
        for (number, place) in places.into_iter().enumerate() {
            let Some(seen) = self.0.remove(&place) else {
                continue;
            };
            let Some(known_since) = seen.known_since else {
                continue;
            };
            let mined = seen.template.map(|template| template.text);
            found.push(Found {
                place: place.0,
                pattern: ErrorPattern {
                    id: place.1,
                    text: texts.remove(&number).or(mined).unwrap_or_default(),
                    known_since,
                },
                lines: Series::new(seen.bins),
                last_before: seen.last_before,
            });
        }
        Ok(found)
    }

    /// The templates of the scopes that have any in question, in the order in which they became known.
    async fn known(
        &self,
        tx: &TenantTx<'_>,
        asked: Asked<'_>,
    ) -> Result<HashMap<usize, Vec<Known>>, DbError> {
        let wanted = self.0.iter().filter(|(_, seen)| is_wanted(seen, asked));
        let mut places: Vec<usize> = wanted.map(|((place, _), _)| *place).collect();
        places.sort_unstable();
        places.dedup();
        let scopes: Vec<ScopeId> = places.iter().map(|place| asked.scopes[*place]).collect();
        let mut by_id: HashMap<Place, (OffsetDateTime, Known)> = HashMap::new();
        for (number, since, known) in error_arrivals::known(tx, &scopes).await? {
            by_id.insert((places[number], known.id), (since, known));
        }
        for (place, seen) in &self.0 {
            let (Some(since), Some(template)) = (seen.known_since, &seen.template) else {
                continue;
            };
            let entry = by_id.entry(*place).or_insert_with(|| {
                let known = Known {
                    id: template.id,
                    tokens: template.tokens.clone(),
                    is_general: template.is_general,
                };
                (since, known)
            });
            entry.0 = entry.0.min(since);
        }
        let mut dated: Vec<_> = by_id.into_iter().collect();
        dated.sort_unstable_by_key(|((_, id), (since, _))| (*since, *id));
        let mut by_place: HashMap<usize, Vec<Known>> = HashMap::new();
        for ((place, _), (_, known)) in dated {
            by_place.entry(place).or_default().push(known);
        }
        Ok(by_place)
    }
}

/// What has lines in these times, and was not known before them if that matters.
fn is_wanted(seen: &Seen, asked: Asked<'_>) -> bool {
    let is_new = || {
        let since = seen.known_since;
        since.is_some_and(|since| floor(since, NewPattern::STEP) >= asked.from)
    };
    !seen.bins.is_empty() && (asked.with_known || is_new())
}
