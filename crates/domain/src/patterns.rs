//! Log patterns: what lines have in common once their variable parts are taken out, such as
//! `payment for order <*> failed: card_declined`.
//!
//! A message is its first line's words, at most [`MAX_TOKENS`]. *Variables* are words with a digit (numbers, hex, ids,
//! addresses, durations, versions), runs of such words without a space between them (times, UUIDs, `10.0.0.1:8080`), and
//! what stands in quotes as a value. The other words, in lower case, make the template together with the places of the
//! variables; what stands between the words is shown as it was in the first line, and does not tell templates apart.
//!
//! Words that vary without digits are found by comparing ([`Miner`], after Drain (He et al. 2017)): when [`MAX_VARIANTS`]
//! templates of a service differ in one and the same word, further ones share a *general* template with a variable there.
//!
//! # What is promised
//!
//! - A [`TemplateId`] is a hash of the template and of nothing else: the same on every replica, in every run.
//! - Which template a line belongs to is a function of the line alone, but for which of the variants of a general template
//!   came first and are spelled out, and which templates came before the bound of a service was reached.
//! - A line always counts: where there is no room for its template, as [`TemplateId::OTHER`].

mod mask;
mod miner;
mod search;
mod template;

use std::fmt::{self, Display, Formatter};

pub use mask::{LineKey, MAX_TOKENS};
pub use miner::{Known, MAX_TEMPLATES, MAX_VARIANTS, Miner, Slot, form_of};
pub use search::finding;
pub use template::{PLACEHOLDER, Template};

/// Names a template everywhere and for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateId(u64);

impl TemplateId {
    /// All lines whose template there was no room for.
    pub const OTHER: Self = Self(0);

    /// As it is stored.
    pub fn code(self) -> u64 {
        self.0
    }

    pub fn from_code(code: u64) -> Self {
        Self(code)
    }
}

/// Sixteen hex digits.
impl Display for TemplateId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for TemplateId {
    type Err = InvalidTemplateId;

    fn from_str(text: &str) -> Result<Self, InvalidTemplateId> {
        let is_id = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let code = is_id.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        code.map(Self).ok_or(InvalidTemplateId)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a pattern is 16 hex digits in lower case")]
pub struct InvalidTemplateId;

#[cfg(test)]
mod tests;
