//! The hashes of the `path=value` pairs of a line's metadata, taken while it is parsed: nothing is built of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Hashes, hash_number, hash_pair, hash_path};
use crate::segment::Alike;

mod alike;

use alike::Varying;

/// Metadata with more pairs than this is not worth a filter.
const MAX_PAIRS_PER_LINE: usize = 64;

/// Adds the pairs of the metadata, which is JSON. An error if it is not, or has too many; some may have been added then.
/// `path` is room to work in.
pub(super) fn add(meta: &[u8], path: &mut String, hashes: &mut Hashes) -> serde_json::Result<()> {
    path.clear();
    let mut found = Pairs {
        path,
        hashes,
        left: MAX_PAIRS_PER_LINE,
    };
    let mut json = serde_json::Deserializer::from_slice(meta);
    let root = At {
        depth: 0,
        found: &mut found,
    };
    root.deserialize(&mut json)?;
    json.end()
}

/// The same of all metadata of one shape.
pub(super) fn add_alike(metas: Alike<'_>, path: &mut String, hashes: &mut Hashes) -> serde_json::Result<()> {
    let mut lines = metas.rows().filter(|line| !line.text.is_empty());
    let Some(first) = lines.next() else { return Ok(()) };
    add(first.text, path, hashes)?;
    let mut others = lines.peekable();
    let varying = others.peek().and_then(|_| Varying::of(&first, path));
    for line in others {
        let is_added = varying.as_ref().is_some_and(|varying| varying.add(&line, hashes));
        if !is_added {
            add(line.text, path, hashes)?;
        }
    }
    Ok(())
}

struct Pairs<'a> {
    path: &'a mut String,
    hashes: &'a mut Hashes,
    left: usize,
}

/// A value at this depth, under the path.
struct At<'a, 'b> {
    depth: usize,
    found: &'a mut Pairs<'b>,
}

impl At<'_, '_> {
    fn add<E: Error>(self, hash: impl FnOnce(&str) -> u64) -> Result<(), E> {
        let left = self.found.left.checked_sub(1);
        self.found.left = left.ok_or_else(|| E::custom("too many pairs"))?;
        self.found.hashes.insert(hash(self.found.path));
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let length = self.found.path.len();
        loop {
            if self.depth > 0 {
                self.found.path.push('.');
            }
            if map.next_key_seed(Key(self.found.path))?.is_none() {
                self.found.path.truncate(length);
                return Ok(());
            }
            map.next_value_seed(At {
                depth: self.depth + 1,
                found: self.found,
            })?;
            self.found.path.truncate(length);
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        loop {
            let item = At {
                depth: self.depth,
                found: self.found,
            };
            if items.next_element_seed(item)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.add(|path| hash_pair(hash_path(path), text))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers are compared as floating point"
    )]
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.add(|path| hash_number(hash_path(path), number as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers are compared as floating point"
    )]
    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.add(|path| hash_number(hash_path(path), number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.add(|path| hash_number(hash_path(path), number))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.add(|path| hash_pair(hash_path(path), if truth { "true" } else { "false" }))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.add(|path| hash_pair(hash_path(path), "null"))
    }
}

/// A key, appended to the path.
struct Key<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        self.0.push_str(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use foldhash::HashSet;
    use serde_json::json;

    use super::super::Term;
    use super::*;

    fn hashes(meta: &str) -> serde_json::Result<HashSet<u64>> {
        let mut found = Hashes::default();
        add(meta.as_bytes(), &mut "left over".to_owned(), &mut found)?;
        Ok(found.all)
    }

    #[test]
    fn each_value_is_listed_under_its_path_and_nothing_else() {
        let meta = json!({
            "a": {"b": [1, "two", {"c": null}], "empty": {}, "esc\"aped": "l\u{fc}ge\n"},
            "": true, "big": u64::MAX, "less": -3, "half": 0.5, "text": "7",
        });
        let expected = [
            ("a.b", "1"),
            ("a.b", "two"),
            ("a.b.c", "null"),
            ("a.esc\"aped", "l\u{fc}ge\n"),
            ("", "true"),
            ("big", "18446744073709551615"),
            ("less", "-3"),
            ("half", "0.5"),
            ("text", "7"),
        ];
        let expected = expected.map(|(path, value)| Term::Pair(path, value).hash());
        assert_eq!(hashes(&meta.to_string()).unwrap(), expected.into_iter().collect());
    }

    #[test]
    fn what_is_broken_or_too_much_is_an_error() {
        for broken in ["{", "{} {}", r#"{"a":1"#, "nul", "{1:2}"] {
            assert!(hashes(broken).is_err(), "{broken}");
        }
        let many = |pairs: usize| json!({"a": vec![0; pairs]}).to_string();
        assert!(hashes(&many(MAX_PAIRS_PER_LINE)).is_ok());
        assert!(hashes(&many(MAX_PAIRS_PER_LINE + 1)).is_err());
    }
}
