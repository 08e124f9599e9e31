//! Texts as shapes and variables. Most lines of a service differ in numbers and ids only: what they have in common, their
//! *shape*, is stored once a block, and of each line which shape it has and its *variables*, the words with a digit. The texts
//! come back as they were; nothing depends on what is taken for a variable. (The idea is that of CLP: Rodrigues, Luo and Yuan,
//! OSDI 2021.)
//!
//! A shape of v variables is v + 1 *pieces*: what stands before, between and after them. A text that is not ASCII has no
//! variables here.

mod fold;
mod unfold;

use std::ops::Range;

pub(crate) use fold::{Alike, Row};
pub(super) use fold::{FoldedTexts, Folder};
pub(crate) use unfold::Folded;
pub(super) use unfold::Layout;

/// Appends a piece of a text.
fn put(text: &[u8], range: Range<usize>, out: &mut Vec<u8>) {
    const SHORT: usize = 16;
    match text.get(range.start..).and_then(<[u8]>::first_chunk::<SHORT>) {
        // A copy of a length that the compiler knows costs a fifth of one that it does not.
        Some(chunk) if range.len() <= SHORT => {
            out.extend_from_slice(chunk);
            out.truncate(out.len() - SHORT + range.len());
        }
        _ => out.extend_from_slice(&text[range]),
    }
}
