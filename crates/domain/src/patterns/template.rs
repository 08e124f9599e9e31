//! A template with its text.

use std::ops::Range;

use super::TemplateId;
use super::mask::{Fold, MAX_TOKENS, Mask, Token, VARIABLE};
use crate::words::{self, for_each_word};

/// What stands for a variable in the text of a template.
pub const PLACEHOLDER: &str = "<*>";
/// Longest text, in bytes.
const MAX_TEXT: usize = 1_024;
pub(super) const CUT: &str = "…";

/// What lines have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub id: TemplateId,
    /// Hashes of words, and a fixed number for each variable.
    pub tokens: Vec<u64>,
    /// For people: the first line with [`PLACEHOLDER`]s.
    pub text: String,
    /// Its variables stand for any words, not only for those that are variable by themselves.
    pub is_general: bool,
}

impl Template {
    /// The template of a message alone.
    pub fn of(message: &[u8]) -> Self {
        Self::with_variables(message, None)
    }

    /// The same template with the text of a message that belongs to it.
    #[must_use]
    pub fn with_text_of(&self, message: &[u8]) -> Self {
        let text = Self::with_variables(message, Some(self.tokens.clone())).text;
        Self { text, ..self.clone() }
    }

    /// A general template of these tokens, with the text of a message that belongs to it.
    pub(super) fn generalized(message: &[u8], tokens: Vec<u64>) -> Self {
        Self {
            is_general: true,
            ..Self::with_variables(message, Some(tokens))
        }
    }

    /// With variables where others have them, too.
    fn with_variables(message: &[u8], others: Option<Vec<u64>>) -> Self {
        let mut mask = Mask::default();
        let mut parts: Vec<(Range<usize>, u64)> = Vec::new();
        for_each_word(message, |word| {
            mask.word(word, words::hash(word.lower), &mut |token| match token {
                Token::Word { at, hash } => parts.push((at, hash)),
                Token::Variable { at } => parts.push((at, VARIABLE)),
                Token::Longer { to } => {
                    if let Some((at, _)) = parts.last_mut() {
                        at.end = at.end.max(to);
                    }
                }
            });
        });
        for ((_, token), other) in parts.iter_mut().zip(others.unwrap_or_default()) {
            if other == VARIABLE {
                *token = VARIABLE;
            }
        }
        let tokens: Vec<u64> = parts.iter().map(|(_, token)| *token).collect();
        Self {
            id: id_of(&tokens),
            text: text(&String::from_utf8_lossy(message), &parts, mask.is_done()),
            tokens,
            is_general: false,
        }
    }

    /// The tokens alone, which is all that most lines are asked for.
    pub(super) fn tokens_of(message: &[u8], tokens: &mut Vec<u64>) {
        tokens.clear();
        let mut mask = Mask::default();
        for_each_word(message, |word| {
            mask.word(word, words::hash(word.lower), &mut |token| match token {
                Token::Word { hash, .. } => tokens.push(hash),
                Token::Variable { .. } => tokens.push(VARIABLE),
                Token::Longer { .. } => {}
            });
        });
    }

    /// Whether lines of these tokens belong to this one.
    pub(super) fn accepts(&self, tokens: &[u64]) -> bool {
        self.is_general
            && self.tokens.len() == tokens.len()
            && self
                .tokens
                .iter()
                .zip(tokens)
                .all(|(own, other)| own == other || *own == VARIABLE)
    }

    pub(super) fn variables(&self) -> usize {
        self.tokens.iter().filter(|token| **token == VARIABLE).count()
    }
}

pub(super) fn id_of(tokens: &[u64]) -> TemplateId {
    let mut fold = Fold::default();
    for token in tokens {
        fold.add(*token);
    }
    fold.finish()
}

fn text(message: &str, parts: &[(Range<usize>, u64)], is_cut: bool) -> String {
    let mut text = String::new();
    let mut at = 0;
    for (part, token) in parts {
        text.push_str(&message[at..part.start]);
        let own = &message[part.clone()];
        text.push_str(if *token == VARIABLE { PLACEHOLDER } else { own });
        at = part.end;
    }
    let rest = message[at..].lines().next().unwrap_or_default();
    let mut is_longer = is_cut || rest.len() < message[at..].trim_end().len();
    if !is_cut || parts.len() < MAX_TOKENS {
        text.push_str(rest);
    }
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        is_longer = true;
    }
    let mut text = text.trim_start_matches(['\n', '\r']).trim_end().to_owned();
    if is_longer {
        text.push_str(CUT);
    }
    text
}
