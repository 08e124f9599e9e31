//! Word filters: what a block of lines may hold, so that a search reads only the blocks that may match.
//!
//! One Bloom filter (Bloom 1970) a block, over the words of the messages, the `path=value` pairs of the metadata, and
//! the trace and request ids, all in lower case, since a search ignores it. A value that is a number, or a text that is
//! one, is hashed as a number, so that `500` finds `500.0`. Each is hashed with a tag of its kind, so that a word is never
//! taken for an id. The bits of a hash come by double hashing (Kirsch and Mitzenmacher 2006).

use domain::patterns::TemplateId;
use domain::words::{self, for_each_word};
use foldhash::HashSet;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::segment::{Alike, Column};

mod messages;
mod pairs;

/// Bits for each distinct thing. By measurement: 16 cost 8.7 bytes a line and let 1 block in 2,000 pass wrongly, where 12 with
/// 8 probes cost 6.5 and let 1 in 300 pass: of each day of a few million lines two or three, which took a quarter of the time
/// of a search for an id.
const BITS_PER_HASH: usize = 16;

/// What may be looked for; texts in any case.
#[derive(Clone, Copy, Debug)]
pub enum Term<'a> {
    /// A word of the message.
    Word(&'a str),
    /// A field of the metadata, by its path (`http.status`), and its value as text.
    Pair(&'a str, &'a str),
    TraceId(&'a str),
    RequestId(&'a str),
}

impl Term<'_> {
    /// Where it may be.
    pub fn column(&self) -> Column {
        match self {
            Self::Word(_) => Column::Message,
            Self::Pair(..) => Column::Meta,
            Self::TraceId(_) => Column::Trace,
            Self::RequestId(_) => Column::Request,
        }
    }

    pub fn hash(&self) -> u64 {
        match self {
            Self::Word(word) => words::hash(word.to_lowercase().as_bytes()),
            Self::TraceId(id) => hash_folded(id, TRACE_ID),
            Self::RequestId(id) => hash_folded(id, REQUEST_ID),
            Self::Pair(path, value) => hash_pair(hash_path(path), value),
        }
    }
}

/// 1 is the seed of words.
const TRACE_ID: u64 = 2;
const REQUEST_ID: u64 = 3;
const PATH: u64 = 4;
const NUMBER: u64 = 5;

fn hash_folded(text: &str, seed: u64) -> u64 {
    // Without stopping at the first, which the compiler cannot do many bytes at once.
    let is_other = |found, byte: u8| found | byte.is_ascii_uppercase() | !byte.is_ascii();
    if text.bytes().fold(false, is_other) {
        xxh3_64_with_seed(text.to_lowercase().as_bytes(), seed)
    } else {
        xxh3_64_with_seed(text.as_bytes(), seed)
    }
}

fn hash_path(path: &str) -> u64 {
    xxh3_64_with_seed(path.as_bytes(), PATH)
}

/// Of a path that is hashed already.
fn hash_pair(path: u64, value: &str) -> u64 {
    match number(value) {
        Some(number) => hash_number(path, number),
        None => hash_folded(value, path),
    }
}

/// Numbers that are equal in any way of comparing them are the same as floating point.
fn hash_number(path: u64, number: f64) -> u64 {
    let zero_has_one_sign = number + 0.0;
    xxh3_64_with_seed(
        &zero_has_one_sign.to_bits().to_le_bytes(),
        path.wrapping_add(NUMBER),
    )
}

/// The number that a text is.
fn number(text: &str) -> Option<f64> {
    let may_be_one = text
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.'));
    may_be_one
        .then(|| text.parse().ok())
        .flatten()
        .filter(|number: &f64| number.is_finite())
}

/// How many bits of a filter each hash sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probes(u64);

impl Probes {
    /// Of filters as they are built.
    pub(crate) const CURRENT: Self = Self(11);
    /// Of those with 12 bits a hash, up to the third version of segments.
    pub(crate) const OF_TWELVE: Self = Self(8);

    fn bits(self, hash: u64, bytes: usize) -> impl Iterator<Item = usize> {
        let bits = bytes as u64 * 8;
        let step = hash.rotate_left(32) | 1;
        // The high half of the product spreads the hash evenly over any number of bits, without a division.
        (0..self.0).map(move |i| {
            ((u128::from(hash.wrapping_add(step.wrapping_mul(i))) * u128::from(bits)) >> 64) as usize
        })
    }
}

/// The filter of a block. One that is empty says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    pub bits: &'a [u8],
    pub probes: Probes,
}

impl<'a> Filter<'a> {
    /// One that was built just now.
    pub(crate) fn new(bits: &'a [u8]) -> Self {
        Self {
            bits,
            probes: Probes::CURRENT,
        }
    }

    /// Whether the block may hold the term of this hash.
    pub fn may_contain(&self, hash: u64) -> bool {
        let is_set = |bit: usize| self.bits[bit / 8] & 1 << (bit % 8) != 0;
        self.bits.is_empty() || self.probes.bits(hash, self.bits.len()).all(is_set)
    }
}

/// The different hashes of a block.
#[derive(Debug)]
struct Hashes {
    // Seeded by chance: hashes of words can be made to collide by whoever sends them.
    all: HashSet<u64>,
    /// Of those that share their lowest bits the last one. Two in three hashes of a line were seen shortly before, and are
    /// found here, in the processor's nearest cache, for a tenth of what asking the set costs.
    last: Box<[u64; LAST]>,
}

const LAST: usize = 1_024;

impl Default for Hashes {
    fn default() -> Self {
        Self {
            all: HashSet::default(),
            last: Box::new([0; LAST]),
        }
    }
}

impl Hashes {
    #[inline]
    fn insert(&mut self, hash: u64) {
        let last = &mut self.last[hash as usize % LAST];
        if *last != hash || hash == 0 {
            *last = hash;
            self.all.insert(hash);
        }
    }

    fn clear(&mut self) {
        self.all.clear();
        self.last.fill(0);
    }
}

/// Builds filters; keeps its set of hashes between them.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    hashes: Hashes,
    /// The path of the metadata's field at hand.
    path: String,
    /// A line could not be listed whole, so the filter must not rule anything out.
    incomplete: bool,
}

impl Builder {
    /// Adds a message, and tells the id of its own template, which is made of the same words.
    pub(crate) fn add_message(&mut self, text: &[u8]) -> TemplateId {
        messages::add(text, &mut self.hashes)
    }

    /// Adds messages of one shape, and tells the same of each, by its row.
    pub(crate) fn add_messages(&mut self, messages: Alike<'_>, tell: impl FnMut(usize, TemplateId)) {
        messages::add_alike(messages, &mut self.hashes, tell);
    }

    /// Adds metadata of one shape.
    pub(crate) fn add_metas(&mut self, metas: Alike<'_>) {
        self.incomplete |= pairs::add_alike(metas, &mut self.path, &mut self.hashes).is_err();
    }

    /// Adds what one of a line's columns of text holds.
    pub(crate) fn add_text(&mut self, column: Column, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        let mut id = |kind| {
            let hash = hash_folded(&String::from_utf8_lossy(text), kind);
            self.hashes.insert(hash);
        };
        match column {
            Column::Trace => id(TRACE_ID),
            Column::Request => id(REQUEST_ID),
            Column::Message => for_each_word(text, |word| self.hashes.insert(words::hash(word.lower))),
            Column::Meta => {
                self.incomplete |= pairs::add(text, &mut self.path, &mut self.hashes).is_err();
            }
            Column::Ts | Column::Level | Column::Id => {}
        }
    }

    /// Appends the filter of the lines since the last one.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if !std::mem::take(&mut self.incomplete) {
            let start = out.len();
            out.resize(
                start + (self.hashes.all.len() * BITS_PER_HASH).div_ceil(8).max(1),
                0,
            );
            let filter = &mut out[start..];
            for &hash in &self.hashes.all {
                for bit in Probes::CURRENT.bits(hash, filter.len()) {
                    filter[bit / 8] |= 1 << (bit % 8);
                }
            }
        }
        self.hashes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter_of(lines: &[(&str, &str, &str)]) -> Vec<u8> {
        let mut builder = Builder::default();
        for (message, meta, trace_id) in lines {
            builder.add_text(Column::Message, message.as_bytes());
            builder.add_text(Column::Meta, meta.as_bytes());
            builder.add_text(Column::Trace, trace_id.as_bytes());
        }
        let mut filter = Vec::new();
        builder.finish(&mut filter);
        filter
    }

    #[test]
    fn what_a_line_holds_is_never_ruled_out() {
        let bits = filter_of(&[
            (
                "Payment of 42 EUR failed",
                r#"{"http":{"status":500},"tags":["a","b"],"user":"ada","port":"80","ok":true}"#,
                "abc",
            ),
            ("überlauf", "", ""),
        ]);
        let held = [
            Term::Word("Payment"),
            Term::Word("ÜBERLAUF"),
            Term::Pair("http.status", "500"),
            Term::Pair("tags", "b"),
            Term::Pair("user", "Ada"),
            Term::Pair("http.status", "5e2"),
            Term::Pair("port", "80.0"),
            Term::Pair("ok", "true"),
            Term::TraceId("ABC"),
        ];
        for term in held {
            assert!(Filter::new(&bits).may_contain(term.hash()), "{term:?}");
        }
        assert!(
            !Filter::new(&bits).may_contain(Term::Word("abc").hash()),
            "an id is not a word"
        );
    }

    #[test]
    fn few_that_are_not_there_pass() {
        let lines: Vec<String> = (0..4_000).map(|i| format!("line {i} of word{i}")).collect();
        let lines: Vec<(&str, &str, &str)> = lines.iter().map(|line| (line.as_str(), "", "")).collect();
        let bits = filter_of(&lines);
        let wrong =
            (0..10_000).filter(|i| Filter::new(&bits).may_contain(Term::Word(&format!("absent{i}")).hash()));
        assert!(wrong.count() < 15, "more than 0.15 % pass");
    }

    #[test]
    fn what_was_in_the_block_before_is_listed_anew() {
        let mut builder = Builder::default();
        for _ in 0..2 {
            let mut bits = Vec::new();
            builder.add_message(b"the same words");
            builder.finish(&mut bits);
            assert!(Filter::new(&bits).may_contain(Term::Word("same").hash()));
        }
    }

    #[test]
    fn every_hash_is_kept_whatever_shares_its_place() {
        let mut hashes = Hashes::default();
        let all = [0, 1, LAST as u64 + 1, 1];
        for hash in all {
            hashes.insert(hash);
        }
        assert_eq!(hashes.all, HashSet::from_iter(all));
    }

    #[test]
    fn a_line_that_cannot_be_listed_whole_rules_nothing_out() {
        let wide: Vec<String> = (0..100).map(|i| format!(r#""k{i}":{i}"#)).collect();
        let bits = filter_of(&[("a", &format!("{{{}}}", wide.join(",")), "")]);
        assert!(bits.is_empty());
        assert!(Filter::new(&bits).may_contain(Term::Word("anything").hash()));
    }
}
