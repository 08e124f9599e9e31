//! What the compactor remembers of services between merges, so that most merges need not ask the registry.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use domain::patterns::{Miner, Template, TemplateId};
use domain::scope::Scope;
use moka::sync::Cache;

use super::registry;
use super::tally::{Seen, Tally};
use crate::columns::Columns;

/// The most that is remembered, in bytes.
const CAPACITY: u64 = 64 << 20;
/// So that what the registry forgot makes room here, too.
const FRESH: Duration = Duration::from_hours(1);
/// The registry is told when a template was last seen once that has moved by so much, in microseconds.
const MOVED: i64 = 24 * 3_600 * 1_000_000;

/// The templates of a service, and what the registry knows of them.
pub(crate) struct ServiceMiner {
    /// Held while lines are counted: merges of one service take turns with that.
    miner: Mutex<Miner>,
    /// Held for a moment.
    saved: Mutex<Saved>,
    /// About what this takes, in bytes.
    size: AtomicU32,
    /// When the registry was asked.
    since: Instant,
}

/// What the registry knows.
#[derive(Default)]
struct Saved {
    places: HashMap<Place, Span>,
    general: HashSet<TemplateId>,
}

/// A template in one environment, errors apart.
type Place = (TemplateId, EnvironmentId, bool);
/// The times of the first line and the last, in microseconds since 1970.
type Span = (i64, i64);

/// Something that the registry should know.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    pub(crate) template: Template,
    pub(crate) sample: String,
    pub(crate) level: Level,
    pub(crate) is_error: bool,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl ServiceMiner {
    fn new(miner: Miner, saved: Saved) -> Self {
        let new = Self {
            size: AtomicU32::new(0),
            since: Instant::now(),
            miner: Mutex::new(miner),
            saved: Mutex::new(saved),
        };
        new.weigh(&held(&new.miner));
        new
    }

    /// Counts lines, and tells what of them the registry should know besides what `count` returns.
    pub(crate) fn counting<R>(
        &self,
        environment_id: EnvironmentId,
        rows: &Columns,
        count: impl FnOnce(&mut Tally<'_>) -> R,
    ) -> (R, Vec<Sighting>) {
        let mut miner = held(&self.miner);
        let mut tally = Tally::new(&mut miner);
        let counted = count(&mut tally);
        let saved = held(&self.saved);
        let news = tally
            .seen()
            .filter_map(|seen| saved.news(&seen, tally.miner(), environment_id, rows))
            .collect();
        drop(saved);
        self.weigh(&miner);
        (counted, news)
    }

    fn weigh(&self, miner: &Miner) {
        /// An entry of the table of places.
        const PLACE: usize = 80;
        let size = miner.size() + held(&self.saved).places.len() * PLACE;
        self.size.store(size as u32, Ordering::Relaxed);
    }
}

impl Saved {
    /// What was seen, if it is news.
    fn news(
        &self,
        seen: &Seen,
        miner: &Miner,
        environment_id: EnvironmentId,
        rows: &Columns,
    ) -> Option<Sighting> {
        let template = miner.template(seen.slot)?;
        let known = self.places.get(&(template.id, environment_id, seen.is_error));
        let is_known =
            known.is_some_and(|(first, last)| seen.first >= *first && seen.last < last.saturating_add(MOVED));
        if is_known && template.is_general == self.general.contains(&template.id) {
            return None;
        }
        let message = rows.message.get(seen.row);
        Some(Sighting {
            template: template.with_text_of(message),
            sample: registry::sample(message),
            level: Level::from_code(i16::from(rows.level[seen.row])).unwrap_or(Level::Info),
            is_error: seen.is_error,
            first: seen.first,
            last: seen.last,
        })
    }
}

/// A merge that panicked leaves nothing half done that matters: counts are made anew, and the registry is asked again.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The miners of services; clones share them.
#[derive(Clone)]
pub(crate) struct Miners {
    services: Cache<ServiceId, Arc<ServiceMiner>>,
}

impl Miners {
    pub(crate) fn new() -> Self {
        let weight = |_: &ServiceId, miner: &Arc<ServiceMiner>| miner.size.load(Ordering::Relaxed);
        let services = Cache::builder().max_capacity(CAPACITY).weigher(weight).build();
        Self { services }
    }

    /// The miner of a service of the transaction's organisation.
    pub(crate) async fn of(
        &self,
        tx: &TenantTx<'_>,
        service_id: ServiceId,
    ) -> Result<Arc<ServiceMiner>, DbError> {
        let known = self.services.get(&service_id);
        if let Some(miner) = known.filter(|miner| miner.since.elapsed() < FRESH) {
            return Ok(miner);
        }
        let known = registry::known(tx, &[service_id]).await?;
        let general = known.iter().filter(|(_, known)| known.is_general);
        let general = general.map(|(_, known)| known.id).collect();
        let places = registry::places(tx, &[service_id]).await?;
        let places = places.into_iter().map(|place| {
            let key = (place.id, place.environment_id, place.is_error);
            (key, (place.first_seen, place.last_seen))
        });
        let saved = Saved {
            places: places.collect(),
            general,
        };
        let miner = Miner::new(known.into_iter().map(|(_, known)| known));
        let miner = Arc::new(ServiceMiner::new(miner, saved));
        self.services.insert(service_id, Arc::clone(&miner));
        Ok(miner)
    }

    /// Remembers what the registry was told. Until then each merge tells it again.
    pub(crate) fn saved(&self, miner: &Arc<ServiceMiner>, scope: &Scope, told: &[Sighting]) {
        if told.is_empty() {
            return;
        }
        let mut saved = held(&miner.saved);
        for sighting in told {
            let key = (sighting.template.id, scope.environment_id, sighting.is_error);
            let span = saved.places.entry(key).or_insert((sighting.first, sighting.last));
            *span = (span.0.min(sighting.first), span.1.max(sighting.last));
            if sighting.template.is_general {
                saved.general.insert(sighting.template.id);
            }
        }
        drop(saved);
        // It weighs more now.
        self.services.insert(scope.service_id, Arc::clone(miner));
    }
}
