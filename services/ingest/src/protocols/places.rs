//! Where the records of a body lie: found without decoding them, and counted as they come.

use std::ops::Range;

use actix_web::web::Bytes;
use domain::log_record::LineRules;
use service_kit::ApiError;

use crate::lines::scanner::{Broken, Scanner};

/// A body of less than 4 GiB, the records in it, and what holds for several of them at a time.
#[derive(Debug)]
pub(super) struct Places<G> {
    pub(super) body: Bytes,
    groups: Vec<G>,
    records: Vec<Place>,
    max_lines: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    group: u32,
    start: u32,
    end: u32,
}

impl<G> Places<G> {
    pub(super) fn new(body: Bytes, max_lines: usize) -> Self {
        Self {
            body,
            groups: Vec::new(),
            records: Vec::new(),
            max_lines,
        }
    }

    /// What the records that are pushed from now on have in common. One without records costs nothing.
    pub(super) fn begin_group(&mut self, group: G) {
        let used = self.records.last().map_or(0, |last| last.group as usize + 1);
        self.groups.truncate(used);
        self.groups.push(group);
    }

    /// Adds a record of the group that was begun last.
    pub(super) fn push(&mut self, range: Range<usize>) -> Result<(), ApiError> {
        if self.records.len() == self.max_lines {
            let max_lines = self.max_lines;
            return Err(ApiError::PayloadTooLarge(format!(
                "the request has more than {max_lines} lines; send fewer lines a request"
            )));
        }
        self.records.push(Place {
            group: self.groups.len().saturating_sub(1) as u32,
            start: range.start as u32,
            end: range.end as u32,
        });
        Ok(())
    }

    pub(super) fn count(&self) -> u32 {
        self.records.len() as u32
    }

    /// Each record with its index and the number of its group, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, usize, &[u8])> {
        self.records.iter().enumerate().map(|(index, place)| {
            let range = place.start as usize..place.end as usize;
            (index as u32, place.group as usize, &self.body[range])
        })
    }

    /// Each has at least one record.
    pub(super) fn groups(&self) -> impl Iterator<Item = &G> {
        let used = self.records.last().map_or(0, |last| last.group as usize + 1);
        self.groups.iter().take(used)
    }

    pub(super) fn group(&self, number: usize) -> Option<&G> {
        self.groups.get(number)
    }
}

/// A record that is longer than this cannot hold a line that the rules allow, even if all of it is escaped, and is not
/// decoded: in memory it would be many times as long.
pub(super) fn longest_record(rules: &LineRules) -> usize {
    2 * (rules.max_message_bytes + LineRules::MAX_META_BYTES)
}

/// Why a record was not looked at.
pub(super) fn too_long(length: usize, rules: &LineRules) -> Option<String> {
    let longest = longest_record(rules);
    (length > longest).then(|| format!("has {length} bytes; at most {longest} are taken, split it"))
}

/// Calls `each` for the members of the object at `range`. `null` is an object without any.
pub(super) fn each_member(
    text: &[u8],
    range: Range<usize>,
    mut each: impl FnMut(&str, Range<usize>) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    if &text[range.clone()] == b"null" {
        return Ok(());
    }
    let mut scanner = Scanner::within(text, range);
    let mut members = scanner.members().map_err(not_json)?;
    while let Some((name, value)) = members.next().map_err(not_json)? {
        each(&name, value)?;
    }
    Ok(())
}

/// Calls `each` for the elements of the array at `range`. `null` is an array without any.
pub(super) fn each_element(
    text: &[u8],
    range: Range<usize>,
    mut each: impl FnMut(Range<usize>) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    if &text[range.clone()] == b"null" {
        return Ok(());
    }
    let mut scanner = Scanner::within(text, range);
    let mut elements = scanner.elements().map_err(not_json)?;
    while let Some(value) = elements.next().map_err(not_json)? {
        each(value)?;
    }
    Ok(())
}

/// The last member of this name.
pub(super) fn member(
    text: &[u8],
    range: Range<usize>,
    wanted: &str,
) -> Result<Option<Range<usize>>, ApiError> {
    let mut found = None;
    each_member(text, range, |name, value| {
        if name == wanted {
            found = Some(value);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Where the one JSON object is that a body should be.
pub(super) fn whole_object(text: &[u8]) -> Result<Range<usize>, ApiError> {
    let mut scanner = Scanner::new(text);
    if scanner.peek().is_none() {
        return Err(ApiError::invalid("", "the body is empty"));
    }
    let start = scanner.position();
    let mut members = scanner.members().map_err(not_json)?;
    while members.next().map_err(not_json)?.is_some() {}
    let end = scanner.position();
    match scanner.peek() {
        None => Ok(start..end),
        Some(_) => Err(not_json(scanner.broken("the end of the body"))),
    }
}

pub(super) fn not_json(broken: Broken) -> ApiError {
    ApiError::invalid("", format!("the body is not valid JSON: {broken}"))
}
