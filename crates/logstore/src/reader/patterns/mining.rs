//! Counting by pattern: what is stored, and lines that are looked at.

use std::collections::HashMap;
use std::ops::ControlFlow;

use db::{DbError, TenantTx};
use domain::ids::ServiceId;
use domain::level::Level;
use domain::patterns::{Known, LineKey, Miner, TemplateId};
use domain::words::{self, for_each_word};

use super::{Intervals, MAX_HELD, PatternCount, Patterns, PatternsPlan, at};
use crate::patterns::registry::{self, Described};
use crate::reader::merge::micros;
use crate::reader::{Line, Stats};

/// Counts by service and template.
#[derive(Debug, Default)]
pub(super) struct Counts {
    intervals: Option<Intervals>,
    held: HashMap<(ServiceId, TemplateId), Held>,
}

#[derive(Debug)]
struct Held {
    by_level: [u64; Level::ALL.len()],
    intervals: Vec<u32>,
    first: i64,
    last: i64,
}

impl Counts {
    /// Adds lines of one level whose times are within a span of one interval, in microseconds.
    pub(super) fn add(
        &mut self,
        (service_id, id): (ServiceId, TemplateId),
        level: u8,
        lines: u32,
        (first, last): (i64, i64),
    ) {
        let intervals = self.intervals.unwrap_or(Intervals::one());
        let is_known = self.held.contains_key(&(service_id, id));
        let id = if is_known || self.held.len() < MAX_HELD {
            id
        } else {
            TemplateId::OTHER
        };
        let held = self.held.entry((service_id, id)).or_insert_with(|| Held {
            by_level: [0; Level::ALL.len()],
            intervals: vec![0; intervals.count],
            first,
            last,
        });
        if let Some(count) = held.by_level.get_mut(usize::from(level)) {
            *count += u64::from(lines);
        }
        let place = &mut held.intervals[intervals.place(first)];
        *place = place.saturating_add(lines);
        held.first = held.first.min(first);
        held.last = held.last.max(last);
    }
}

/// Mines lines with what the registry knows.
#[derive(Debug, Default)]
pub(super) struct Mining {
    pub(super) counts: Counts,
    services: HashMap<ServiceId, OfService>,
    mined: u64,
    most: u64,
    is_full: bool,
    learned: HashMap<(ServiceId, TemplateId), Described>,
}

#[derive(Debug, Default)]
struct OfService {
    miner: Miner,
    /// Slots that the registry knows, and that of the others.
    known: usize,
}

impl Mining {
    pub(super) async fn start(tx: &TenantTx<'_>, plan: &PatternsPlan) -> Result<Self, DbError> {
        let mut known: HashMap<ServiceId, Vec<Known>> = HashMap::new();
        for (service_id, one) in registry::known(tx, &plan.services()).await? {
            known.entry(service_id).or_default().push(one);
        }
        let of_service = |(service_id, known)| {
            let miner = Miner::new(known);
            let known = miner.len();
            (service_id, OfService { miner, known })
        };
        Ok(Self {
            counts: Counts {
                intervals: Some(plan.intervals),
                held: HashMap::new(),
            },
            services: known.into_iter().map(of_service).collect(),
            most: plan.most_mined,
            ..Self::default()
        })
    }

    /// There were more lines than may be mined.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Counts a line.
    pub(super) fn add(&mut self, line: Line) -> ControlFlow<()> {
        if self.mined >= self.most {
            self.is_full = true;
            return ControlFlow::Break(());
        }
        self.mined += 1;
        let of = self.services.entry(line.service_id).or_insert_with(|| OfService {
            miner: Miner::default(),
            known: 1,
        });
        let message = line.message.as_bytes();
        let mut key = LineKey::default();
        for_each_word(message, |word| key.word(word, words::hash(word.lower)));
        let slot = of.miner.assign(key.finish(), message);
        let template = of.miner.template(slot);
        let id = template.map_or(TemplateId::OTHER, |template| template.id);
        if let Some(template) = template
            && slot.index() >= of.known
        {
            let describe = || Described {
                text: template.text.clone(),
                sample: registry::sample(message),
                level: line.level,
            };
            self.learned.entry((line.service_id, id)).or_insert_with(describe);
        }
        let ts = micros(line.ts);
        self.counts
            .add((line.service_id, id), line.level.code() as u8, 1, (ts, ts));
        ControlFlow::Continue(())
    }

    pub(super) fn finish(self, stats: Stats) -> Patterns {
        let counts = self.counts.held.into_iter();
        let count = |((service_id, id), held): ((ServiceId, TemplateId), Held)| PatternCount {
            service_id,
            id,
            by_level: held.by_level,
            intervals: held.intervals,
            first: at(held.first),
            last: at(held.last),
            first_seen: None,
        };
        Patterns {
            counts: counts.map(count).collect(),
            mined: self.mined,
            left_out: None,
            stats,
            learned: self.learned,
        }
    }
}
