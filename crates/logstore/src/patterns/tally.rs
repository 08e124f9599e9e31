//! Counting the templates of lines while they are encoded.

use std::io;

use domain::level::Level;
use domain::patterns::{Miner, Slot, TemplateId};

use super::BUCKET;
use super::counts::{self, Entry};

const LEVELS: usize = Level::ALL.len();

/// Counts lines by template. Cheap while they come in the order of their times, as they do within a segment.
pub struct Tally<'m> {
    miner: &'m mut Miner,
    slots: Vec<Counted>,
    /// Where the current bucket begins and ends.
    bucket: std::ops::Range<i64>,
    /// The templates that the current bucket has lines of.
    touched: Vec<Slot>,
    done: Vec<(i64, Vec<Entry>)>,
    /// Rows of level error and above.
    errors: Vec<(Slot, u32)>,
}

/// The lines of one template.
#[derive(Clone, Debug)]
struct Counted {
    /// In the current bucket, by level.
    lines: [u32; LEVELS],
    /// Times of the first and the last, of any level below error and of errors.
    seen: [(i64, i64); 2],
    /// The row of one.
    row: u32,
}

impl Counted {
    const NONE: Self = Self {
        lines: [0; LEVELS],
        seen: [(i64::MAX, i64::MIN); 2],
        row: 0,
    };
}

/// When lines of a template were seen, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) slot: Slot,
    pub(crate) is_error: bool,
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// The row of one of the lines.
    pub(crate) row: usize,
}

impl<'m> Tally<'m> {
    pub fn new(miner: &'m mut Miner) -> Self {
        let slots = vec![Counted::NONE; miner.len()];
        Self {
            miner,
            slots,
            bucket: 0..0,
            touched: Vec::new(),
            done: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn miner(&self) -> &Miner {
        self.miner
    }

    /// Counts a line whose own template has this id.
    #[inline]
    pub(crate) fn add(&mut self, own: TemplateId, message: &[u8], (ts, level): (i64, u8), row: usize) {
        let slot = self.miner.assign(own, message);
        if !self.bucket.contains(&ts) {
            self.turn(ts);
        }
        if slot.index() >= self.slots.len() {
            self.slots.resize(self.miner.len(), Counted::NONE);
        }
        let counted = &mut self.slots[slot.index()];
        if counted.lines == [0; LEVELS] {
            self.touched.push(slot);
        }
        let level = usize::from(level).min(LEVELS - 1);
        counted.lines[level] += 1;
        let kind = usize::from(level >= Level::Error as usize);
        if kind == 1 {
            self.errors.push((slot, row as u32));
        }
        if counted.seen[kind].0 == i64::MAX && counted.seen[1 - kind].0 == i64::MAX {
            counted.row = row as u32;
        }
        let (first, last) = &mut counted.seen[kind];
        *first = ts.min(*first);
        *last = ts.max(*last);
    }

    /// Goes on to the bucket of this time.
    fn turn(&mut self, ts: i64) {
        self.close();
        let number = ts.div_euclid(BUCKET);
        self.bucket = number.saturating_mul(BUCKET)..number.saturating_add(1).saturating_mul(BUCKET);
    }

    fn close(&mut self) {
        if self.touched.is_empty() {
            return;
        }
        let mut entries = Vec::with_capacity(self.touched.len());
        for slot in self.touched.drain(..) {
            let counted = &mut self.slots[slot.index()];
            let template = self
                .miner
                .template(slot)
                .map_or(TemplateId::OTHER, |template| template.id);
            let of_levels = (0..).zip(std::mem::take(&mut counted.lines));
            entries.extend(
                of_levels
                    .filter(|(_, lines)| *lines > 0)
                    .map(|(level, lines)| Entry {
                        template,
                        level,
                        lines,
                    }),
            );
        }
        self.done.push((self.bucket.start.div_euclid(BUCKET), entries));
    }

    /// The counts of the lines since this was last called, as they are stored.
    pub(crate) fn finish(&mut self) -> io::Result<Vec<u8>> {
        self.close();
        self.bucket = 0..0;
        counts::encode(&std::mem::take(&mut self.done))
    }

    /// The lines of level error and above, by their row, with their template.
    pub(crate) fn errors(&self) -> impl Iterator<Item = (TemplateId, usize)> {
        self.errors.iter().filter_map(|(slot, row)| {
            let template = self.miner.template(*slot)?;
            Some((template.id, *row as usize))
        })
    }

    /// Each template that was seen.
    pub(crate) fn seen(&self) -> impl Iterator<Item = Seen> {
        self.miner.slots().flat_map(|slot| {
            let counted = self.slots.get(slot.index()).unwrap_or(&Counted::NONE);
            let of = move |(is_error, (first, last)): (bool, (i64, i64))| Seen {
                slot,
                is_error,
                first,
                last,
                row: counted.row as usize,
            };
            let seen = [(false, counted.seen[0]), (true, counted.seen[1])];
            seen.into_iter().map(of).filter(|seen| seen.first <= seen.last)
        })
    }
}
