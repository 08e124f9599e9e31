//! The pairs of metadata of one shape: parsed once, and of the rest only what is variable is looked at.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::filter::{Hashes, hash_pair, hash_path, number};
use crate::segment::Row;

/// The pairs of a line whose values differ in the other lines of its shape.
#[derive(Debug)]
pub(super) struct Varying(Vec<Pair>);

#[derive(Debug)]
struct Pair {
    /// Hashed.
    path: u64,
    is_text: bool,
    start: Edge,
    end: Edge,
}

/// A place that is so many bytes before the beginning of a variable, or after its end.
#[derive(Clone, Copy, Debug)]
struct Edge {
    variable: usize,
    bytes: usize,
}

impl Varying {
    /// Those of a line that is JSON. `None` if other lines of its shape may be made of other parts.
    pub(super) fn of(line: &Row<'_>, path: &mut String) -> Option<Self> {
        let text = std::str::from_utf8(line.text).ok()?;
        if !text.starts_with('{') || text.contains('\\') {
            return None;
        }
        path.clear();
        let mut found = Found {
            text,
            variables: line.variables,
            path,
            pairs: Vec::new(),
        };
        found.value(0..text.len(), 0).ok()?;
        Some(Self(found.pairs))
    }

    /// Adds them as another line of the shape has them. Says whether it is made of the same parts: if not, some may have been
    /// added.
    pub(super) fn add(&self, line: &Row<'_>, hashes: &mut Hashes) -> bool {
        self.0.iter().all(|pair| {
            let start = line.variables[pair.start.variable].start as usize - pair.start.bytes;
            let end = line.variables[pair.end.variable].end as usize + pair.end.bytes;
            let Ok(value) = std::str::from_utf8(&line.text[start..end]) else {
                return false;
            };
            // A list of numbers may be one variable.
            let is_same = pair.is_text || number(value).is_some();
            if is_same {
                hashes.insert(hash_pair(pair.path, value));
            }
            is_same
        })
    }
}

struct Found<'a> {
    text: &'a str,
    variables: &'a [Range<u32>],
    path: &'a mut String,
    pairs: Vec<Pair>,
}

impl Found<'_> {
    /// Looks at the value that lies here, at this depth.
    fn value(&mut self, at: Range<usize>, depth: usize) -> serde_json::Result<()> {
        let value = &self.text[at.clone()];
        match value.bytes().next() {
            Some(b'{' | b'[') => {
                let mut json = serde_json::Deserializer::from_str(value);
                json.deserialize_any(Parts { found: self, depth })
            }
            Some(b'"') => self.leaf(at.start + 1..at.end - 1, true),
            _ => self.leaf(at, false),
        }
    }

    fn leaf<E: Error>(&mut self, at: Range<usize>, is_text: bool) -> Result<(), E> {
        let variables = self.variables_in(&at);
        if variables.is_empty() {
            return Ok(());
        }
        let (first, last) = (variables.start, variables.end - 1);
        let before = (self.variables[first].start as usize).checked_sub(at.start);
        let after = at.end.checked_sub(self.variables[last].end as usize);
        let (Some(before), Some(after)) = (before, after) else {
            return Err(E::custom("a variable has a part of it"));
        };
        self.pairs.push(Pair {
            path: hash_path(self.path),
            is_text,
            start: Edge {
                variable: first,
                bytes: before,
            },
            end: Edge {
                variable: last,
                bytes: after,
            },
        });
        Ok(())
    }

    /// The variables that lie here, in part at least.
    fn variables_in(&self, at: &Range<usize>) -> Range<usize> {
        let start = self
            .variables
            .partition_point(|variable| variable.end as usize <= at.start);
        let end = self
            .variables
            .partition_point(|variable| (variable.start as usize) < at.end);
        start..end.max(start)
    }

    /// Where a part of the text lies.
    fn place_of(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + part.len()
    }
}

/// The parts of a list or of an object.
struct Parts<'a, 'b> {
    found: &'a mut Found<'b>,
    depth: usize,
}

impl<'de> Visitor<'de> for Parts<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { found, depth } = self;
        let length = found.path.len();
        while let Some(key) = map.next_key::<&'de str>()? {
            if !found.variables_in(&found.place_of(key)).is_empty() {
                return Err(A::Error::custom("a variable has a part of a key"));
            }
            if depth > 0 {
                found.path.push('.');
            }
            found.path.push_str(key);
            let value = found.place_of(map.next_value::<&'de RawValue>()?.get());
            found.value(value, depth + 1).map_err(A::Error::custom)?;
            found.path.truncate(length);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { found, depth } = self;
        while let Some(item) = items.next_element::<&'de RawValue>()? {
            let item = found.place_of(item.get());
            found.value(item, depth).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
