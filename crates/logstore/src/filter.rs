//! Word filters: what a block of lines may hold, so that a search reads only the blocks that may match.
//!
//! One Bloom filter (Bloom 1970) a block, over the words of the messages, the `path=value` pairs of the metadata, and
//! the trace and request ids. Each is hashed with a tag of its kind, so that a word is never taken for an id. The bits of
//! a hash come by double hashing (Kirsch and Mitzenmacher 2006).

use domain::words::for_each_word;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::columns::Columns;

/// Bits for each distinct thing. By measurement: 10 cost 5 bytes a line, and let 1 block in 100 pass wrongly.
const BITS_PER_HASH: usize = 10;
const PROBES: u64 = 6;
/// Metadata deeper or longer than this is not worth a filter: its pairs are left out, and such a block always passes.
const MAX_PAIRS_PER_LINE: usize = 64;

/// What may be looked for.
#[derive(Clone, Copy, Debug)]
pub enum Term<'a> {
    /// A lower-cased word of the message.
    Word(&'a [u8]),
    /// A field of the metadata, by its path (`http.status`), and its value as text.
    Pair(&'a str, &'a str),
    TraceId(&'a [u8]),
    RequestId(&'a [u8]),
}

impl Term<'_> {
    pub fn hash(&self) -> u64 {
        match self {
            Self::Word(word) => xxh3_64_with_seed(word, 1),
            Self::TraceId(id) => xxh3_64_with_seed(id, 2),
            Self::RequestId(id) => xxh3_64_with_seed(id, 3),
            Self::Pair(path, value) => {
                xxh3_64_with_seed(value.as_bytes(), xxh3_64_with_seed(path.as_bytes(), 4))
            }
        }
    }
}

/// Whether a block with this filter may hold the term of this hash. A filter that is empty says nothing.
pub fn may_contain(filter: &[u8], hash: u64) -> bool {
    filter.is_empty() || probes(hash, filter.len()).all(|bit| filter[bit / 8] & 1 << (bit % 8) != 0)
}

/// Builds filters; keeps its list of hashes between them.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    hashes: Vec<u64>,
    /// A line could not be listed whole, so the filter must not rule anything out.
    incomplete: bool,
}

impl Builder {
    pub(crate) fn add_line(&mut self, rows: &Columns, row: usize) {
        for_each_word(rows.message.get(row), |word| {
            self.hashes.push(Term::Word(word).hash());
        });
        let trace_id = rows.trace_id.get(row);
        if !trace_id.is_empty() {
            self.hashes.push(Term::TraceId(trace_id).hash());
        }
        let request_id = rows.request_id.get(row);
        if !request_id.is_empty() {
            self.hashes.push(Term::RequestId(request_id).hash());
        }
        let meta = rows.meta.get(row);
        if !meta.is_empty() {
            self.add_meta(meta);
        }
    }

    fn add_meta(&mut self, meta: &[u8]) {
        match serde_json::from_slice::<Value>(meta) {
            Ok(meta) => {
                let before = self.hashes.len();
                add_pairs(&mut self.hashes, &mut String::new(), 0, &meta);
                self.incomplete |= self.hashes.len() - before > MAX_PAIRS_PER_LINE;
            }
            Err(_) => self.incomplete = true,
        }
    }

    /// Appends the filter of the lines since the last one.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        if !std::mem::take(&mut self.incomplete) {
            let start = out.len();
            out.resize(start + (self.hashes.len() * BITS_PER_HASH).div_ceil(8).max(1), 0);
            let filter = &mut out[start..];
            for &hash in &self.hashes {
                for bit in probes(hash, filter.len()) {
                    filter[bit / 8] |= 1 << (bit % 8);
                }
            }
        }
        self.hashes.clear();
    }
}

fn add_pairs(hashes: &mut Vec<u64>, path: &mut String, depth: usize, value: &Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let length = path.len();
                if depth > 0 {
                    path.push('.');
                }
                path.push_str(key);
                add_pairs(hashes, path, depth + 1, value);
                path.truncate(length);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_pairs(hashes, path, depth, item)),
        Value::String(text) => hashes.push(Term::Pair(path, text).hash()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            hashes.push(Term::Pair(path, &value.to_string()).hash());
        }
    }
}

fn probes(hash: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let bits = bytes as u64 * 8;
    let step = hash.rotate_left(32) | 1;
    // The high half of the product spreads the hash evenly over any number of bits, without a division.
    (0..PROBES).map(move |i| {
        ((u128::from(hash.wrapping_add(step.wrapping_mul(i))) * u128::from(bits)) >> 64) as usize
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter_of(lines: &[(&str, &str, &str)]) -> Vec<u8> {
        let mut columns = Columns::default();
        for (message, meta, trace_id) in lines {
            columns.ts.push(0);
            columns.level.push(2);
            columns.message.push(message.as_bytes());
            columns.meta.push(meta.as_bytes());
            columns.trace_id.push(trace_id.as_bytes());
            columns.request_id.push(b"");
        }
        let mut builder = Builder::default();
        (0..columns.len()).for_each(|row| builder.add_line(&columns, row));
        let mut filter = Vec::new();
        builder.finish(&mut filter);
        filter
    }

    #[test]
    fn what_a_line_holds_is_never_ruled_out() {
        let filter = filter_of(&[
            (
                "Payment of 42 EUR failed",
                r#"{"http":{"status":500},"tags":["a","b"],"user":"ada"}"#,
                "abc",
            ),
            ("überlauf", "", ""),
        ]);
        let held = [
            Term::Word(b"payment"),
            Term::Word("überlauf".as_bytes()),
            Term::Pair("http.status", "500"),
            Term::Pair("tags", "b"),
            Term::Pair("user", "ada"),
            Term::TraceId(b"abc"),
        ];
        for term in held {
            assert!(may_contain(&filter, term.hash()), "{term:?}");
        }
        assert!(
            !may_contain(&filter, Term::Word(b"abc").hash()),
            "an id is not a word"
        );
    }

    #[test]
    fn few_that_are_not_there_pass() {
        let lines: Vec<String> = (0..4_000).map(|i| format!("line {i} of word{i}")).collect();
        let lines: Vec<(&str, &str, &str)> = lines.iter().map(|line| (line.as_str(), "", "")).collect();
        let filter = filter_of(&lines);
        let wrong =
            (0..10_000).filter(|i| may_contain(&filter, Term::Word(format!("absent{i}").as_bytes()).hash()));
        assert!(wrong.count() < 200, "more than 2 % pass");
    }

    #[test]
    fn a_line_that_cannot_be_listed_whole_rules_nothing_out() {
        let wide: Vec<String> = (0..100).map(|i| format!(r#""k{i}":{i}"#)).collect();
        let filter = filter_of(&[("a", &format!("{{{}}}", wide.join(",")), "")]);
        assert!(filter.is_empty());
        assert!(may_contain(&filter, Term::Word(b"anything").hash()));
    }
}
