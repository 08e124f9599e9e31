//! How counts by template, level and bucket of time are stored: one value beside the columns of a segment.
//!
//! ```text
//! counts = version u8 (1) | raw bytes varint | stored | crc32 of all before, u32 LE
//! stored = the raw bytes if that is as many, else a zstd frame of them
//! raw    = templates varint | template u64 LE, each (0: those that there was no room for) | buckets varint | bucket*
//! bucket = number zigzag varint, relative to that of the bucket before | entries varint | entry*
//! entry  = place of the template * 6 + level, varint, relative to the entry before | lines varint
//! ```

use std::collections::HashMap;
use std::io;

use domain::level::Level;
use domain::patterns::TemplateId;

use crate::segment::Damaged;
use crate::segment::varint::{put_varint, take, take_varint, unzigzag, zigzag};

const VERSION: u8 = 1;
const LEVELS: u64 = Level::ALL.len() as u64;
const ZSTD_LEVEL: i32 = 1;
/// A segment has no more lines than 65,536, each of them an entry at most.
const MAX_RAW: usize = 4 << 20;

/// Lines of one template and level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub template: TemplateId,
    /// [`Level::code`].
    pub level: u8,
    pub lines: u32,
}

/// Encodes the entries of each bucket, by its number.
pub fn encode(buckets: &[(i64, Vec<Entry>)]) -> io::Result<Vec<u8>> {
    let entries = || buckets.iter().flat_map(|(_, entries)| entries);
    let mut templates: Vec<TemplateId> = entries().map(|entry| entry.template).collect();
    templates.sort_unstable();
    templates.dedup();
    let places: HashMap<TemplateId, u64> = templates.iter().copied().zip(0..).collect();
    let mut raw = Vec::new();
    put_varint(&mut raw, templates.len() as u64);
    for template in &templates {
        raw.extend_from_slice(&template.code().to_le_bytes());
    }
    put_varint(&mut raw, buckets.len() as u64);
    let mut number_before = 0;
    for (number, entries) in buckets {
        put_varint(&mut raw, zigzag(number.wrapping_sub(number_before)));
        number_before = *number;
        put_varint(&mut raw, entries.len() as u64);
        let key = |entry: &Entry| places.get(&entry.template).unwrap_or(&0) * LEVELS + u64::from(entry.level);
        let mut keyed: Vec<(u64, u32)> = entries.iter().map(|entry| (key(entry), entry.lines)).collect();
        keyed.sort_unstable();
        let mut key_before = 0;
        for (key, lines) in keyed {
            put_varint(&mut raw, key - key_before);
            put_varint(&mut raw, u64::from(lines));
            key_before = key;
        }
    }
    let mut out = vec![VERSION];
    put_varint(&mut out, raw.len() as u64);
    let packed = zstd::bulk::compress(&raw, ZSTD_LEVEL)?;
    out.extend_from_slice(if packed.len() < raw.len() { &packed } else { &raw });
    let crc = crc32fast::hash(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    Ok(out)
}

/// Calls `visit` with the number of each bucket and each of its entries.
pub fn decode(bytes: &[u8], mut visit: impl FnMut(i64, Entry)) -> Result<(), Damaged> {
    const CUT: Damaged = Damaged("counts of patterns are cut off");
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or(CUT)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return Err(Damaged("checksum of counts of patterns differs"));
    }
    let mut stored = body;
    if take(&mut stored, 1)? != [VERSION] {
        return Err(Damaged("version of counts of patterns is unknown"));
    }
    let length = usize::try_from(take_varint(&mut stored)?).unwrap_or(usize::MAX);
    if length > MAX_RAW {
        return Err(Damaged("counts of patterns are too long"));
    }
    let raw = if stored.len() == length {
        stored.to_vec()
    } else {
        zstd::bulk::decompress(stored, length)
            .map_err(|_error| Damaged("counts of patterns do not unpack"))?
    };
    let mut rest = &raw[..];
    let templates = usize::try_from(take_varint(&mut rest)?).unwrap_or(usize::MAX);
    let templates = take(&mut rest, templates.saturating_mul(8))?;
    let mut number = 0_i64;
    for _ in 0..take_varint(&mut rest)? {
        number = number.wrapping_add(unzigzag(take_varint(&mut rest)?));
        let mut key = 0_u64;
        for _ in 0..take_varint(&mut rest)? {
            key = key.wrapping_add(take_varint(&mut rest)?);
            let place = usize::try_from(key / LEVELS).unwrap_or(usize::MAX);
            let template = templates
                .get(place.saturating_mul(8)..)
                .and_then(<[u8]>::first_chunk::<8>)
                .ok_or(CUT)?;
            let lines = u32::try_from(take_varint(&mut rest)?)
                .map_err(|_error| Damaged("a count of a pattern is too high"))?;
            let entry = Entry {
                template: TemplateId::from_code(u64::from_le_bytes(*template)),
                level: (key % LEVELS) as u8,
                lines,
            };
            visit(number, entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn buckets() -> impl Strategy<Value = Vec<(i64, Vec<Entry>)>> {
        let entry = (prop_oneof![0..20_u64, any::<u64>()], 0..6_u8, 1..100_000_u32);
        let entries =
            prop::collection::btree_map(entry.prop_map(|(id, level, _)| (id, level)), 1..9_u32, 0..30);
        let entries = entries.prop_map(|entries| {
            let entry = |((id, level), lines)| Entry {
                template: TemplateId::from_code(id),
                level,
                lines,
            };
            entries.into_iter().map(entry).collect()
        });
        prop::collection::vec((any::<i64>(), entries), 0..6)
    }

    fn decoded(bytes: &[u8]) -> Result<Vec<(i64, Entry)>, Damaged> {
        let mut found = Vec::new();
        decode(bytes, |number, entry| found.push((number, entry)))?;
        Ok(found)
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(buckets in buckets()) {
            let mut found = decoded(&encode(&buckets).unwrap()).unwrap();
            let mut expected: Vec<(i64, Entry)> = buckets
                .iter()
                .flat_map(|(number, entries)| entries.iter().map(|entry| (*number, *entry)))
                .collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn damage_is_an_error(buckets in buckets(), place in any::<prop::sample::Index>(), flip in 1..=255_u8) {
            let mut bytes = encode(&buckets).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
            prop_assert!(decoded(&bytes).is_err());
            bytes.truncate(place);
            prop_assert!(decoded(&bytes).is_err());
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = vec![VERSION, body.len() as u8];
            bytes.extend_from_slice(&body);
            let crc = crc32fast::hash(&bytes);
            bytes.extend_from_slice(&crc.to_le_bytes());
            let _ = decoded(&bytes);
        }
    }
}
