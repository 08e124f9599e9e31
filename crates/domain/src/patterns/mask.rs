//! Which words of a message are variable. Works along with whoever goes over the words anyway, and allocates nothing.

use std::ops::Range;

use super::TemplateId;
use crate::words::Word;

/// Words and variables that make a template; what follows does not count.
pub const MAX_TOKENS: usize = 64;
/// The token of a variable among hashes of words.
pub(super) const VARIABLE: u64 = 0x9E6C_63D0_876A_9B1B;
/// The longest value in quotes, in bytes: a quote that is not closed within is none.
const MAX_QUOTED: usize = 256;
/// A word of `a` to `f` only with so many letters is a number in hex: English has none.
const HEX_LETTERS: usize = 8;
/// Within a UUID so many are enough.
const HEX_GROUP: usize = 4;

/// A part of a template, as it is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word {
        at: Range<usize>,
        hash: u64,
    },
    Variable {
        at: Range<usize>,
    },
    /// The last variable goes on to here.
    Longer {
        to: usize,
    },
}

/// Tells words from variables, fed with the words of one message in order.
#[derive(Debug, Default)]
pub(super) struct Mask {
    /// Where the last word ended.
    end: usize,
    /// Everything before this place is in quotes; 0 if nothing is.
    quoted_until: usize,
    tokens: usize,
    after_variable: bool,
    done: bool,
}

impl Mask {
    /// Whether what follows does not count.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    #[inline]
    pub(super) fn word(&mut self, word: &Word<'_>, hash: u64, sink: &mut impl FnMut(Token)) {
        if self.done {
            return;
        }
        let gap = self.end..word.at.start;
        self.end = word.at.end;
        // What stands between words mostly, before all else.
        let joined = match word.text[gap.clone()] {
            [b' '] if self.quoted_until <= gap.start => false,
            [b'=' | b':' | b'/' | b'-' | b'.' | b'_'] if self.quoted_until <= gap.start => true,
            _ => match self.gap(word.text, gap, sink) {
                Some(joined) => joined,
                None => return,
            },
        };
        if word.at.start < self.quoted_until {
            return;
        }
        if word.has_digit || is_hex(word.lower, joined && self.after_variable) {
            self.variable(word.at.clone(), joined, sink);
        } else {
            self.after_variable = false;
            self.token(
                Token::Word {
                    at: word.at.clone(),
                    hash,
                },
                sink,
            );
        }
    }

    /// Looks at what stands between two words: whether it joins them, nothing if the message ends here.
    #[inline(never)]
    fn gap(&mut self, text: &[u8], gap: Range<usize>, sink: &mut impl FnMut(Token)) -> Option<bool> {
        let mut joined = true;
        for at in gap {
            if at < self.quoted_until {
                continue;
            }
            match text[at] {
                b'\n' if self.tokens > 0 => {
                    self.done = true;
                    return None;
                }
                b' ' | b'\t' | b'\r' | b'\n' => joined = false,
                quote @ (b'"' | b'\'' | b'`') if at > self.quoted_until || at == 0 => {
                    if let Some(close) = closing(text, at, quote) {
                        self.quoted_until = close;
                        self.variable(at + 1..close, joined, sink);
                        if self.done {
                            return None;
                        }
                        joined = true;
                    }
                }
                _ => {}
            }
        }
        Some(joined)
    }

    fn variable(&mut self, at: Range<usize>, joined: bool, sink: &mut impl FnMut(Token)) {
        if joined && self.after_variable {
            sink(Token::Longer { to: at.end });
        } else {
            self.after_variable = true;
            self.token(Token::Variable { at }, sink);
        }
    }

    fn token(&mut self, token: Token, sink: &mut impl FnMut(Token)) {
        if self.tokens == MAX_TOKENS {
            self.done = true;
            return;
        }
        self.tokens += 1;
        sink(token);
    }
}

/// Where the quote at this place is closed, if it opens a value.
fn closing(text: &[u8], at: usize, quote: u8) -> Option<usize> {
    let before = &text[..at];
    let spaces = before.iter().rev().take_while(|byte| **byte == b' ').count();
    let opens = match before[..at - spaces].last() {
        None => true,
        // A name in JSON or a member of a list.
        Some(b',' | b'{' | b'[' | b'}' | b']' | b'-') => false,
        // An apostrophe, or the end of something.
        Some(last) => spaces > 0 || matches!(last, b'=' | b':' | b'(' | b'<' | b'>'),
    };
    let rest = &text[at + 1..text.len().min(at + 1 + MAX_QUOTED)];
    let rest = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let closes = |place: &usize| {
        let next = rest.get(place + 1);
        rest[*place] == quote
            && (*place == 0 || rest[place - 1] != b'\\')
            && (quote != b'\'' || next.is_none_or(|next| !next.is_ascii_alphanumeric()))
    };
    opens
        .then(|| (0..rest.len()).find(closes))
        .flatten()
        .map(|place| at + 1 + place)
}

fn is_hex(lower: &[u8], in_uuid: bool) -> bool {
    let least = if in_uuid { HEX_GROUP } else { HEX_LETTERS };
    lower.len() >= least && lower.iter().all(|byte| matches!(byte, b'a'..=b'f'))
}

/// Folds tokens into an id.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fold(u64);

impl Fold {
    #[inline]
    pub(super) fn add(&mut self, token: u64) {
        const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
        self.0 = (self.0.rotate_left(23) ^ token).wrapping_mul(PRIME);
    }

    #[inline]
    pub(super) fn finish(self) -> TemplateId {
        // The last step of MurmurHash3: spreads the last token over all bits.
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
        hash ^= hash >> 33;
        TemplateId(hash.max(1)) // 0 is for the others
    }
}

/// Finds the id of a message's own template while its words are gone over for something else.
#[derive(Debug, Default)]
pub struct LineKey {
    mask: Mask,
    fold: Fold,
}

impl LineKey {
    /// A message is *regular* if it is ASCII of at most so many bytes. In one, a word with a digit, or several that only
    /// signs are between, can be put in the place of any other, but for next to an apostrophe, without the id being another:
    /// it is that of a variable, and no quote is too long.
    pub const MAX_LENGTH_OF_REGULAR: usize = MAX_QUOTED;

    /// The next word of the message, and its [`crate::words::hash`].
    #[inline]
    pub fn word(&mut self, word: &Word<'_>, hash: u64) {
        let fold = &mut self.fold;
        self.mask.word(word, hash, &mut |token| match token {
            Token::Word { hash, .. } => fold.add(hash),
            Token::Variable { .. } => fold.add(VARIABLE),
            Token::Longer { .. } => {}
        });
    }

    pub fn finish(self) -> TemplateId {
        self.fold.finish()
    }
}
