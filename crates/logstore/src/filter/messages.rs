//! The words of messages. Where many have one shape, only what is variable of each is looked at: the rest is the same.

use domain::patterns::{LineKey, TemplateId};
use domain::words::{self, for_each_word, is_whole_word};

use super::Hashes;
use crate::segment::{Alike, Row};

/// Adds the words of a message, and tells the id of its own template.
pub(super) fn add(text: &[u8], hashes: &mut Hashes) -> TemplateId {
    let mut key = LineKey::default();
    for_each_word(text, |word| {
        let hash = words::hash(word.lower);
        hashes.insert(hash);
        key.word(word, hash);
    });
    key.finish()
}

/// Adds the words of messages of one shape, and tells the id of each one's own template, by its row.
pub(super) fn add_alike(messages: Alike<'_>, hashes: &mut Hashes, mut tell: impl FnMut(usize, TemplateId)) {
    let mut of_regular = None;
    for message in messages.rows() {
        let is_regular = add_variables(&message, hashes);
        let own = match of_regular {
            Some(own) if is_regular => own,
            _ => add(message.text, hashes),
        };
        if is_regular {
            of_regular = Some(own);
        }
        tell(message.place, own);
    }
}

/// Adds the words of the variables, and says whether all regular messages of the shape have the same other words, and the same
/// template: where no variable is joined to what stands around it, and each of its words has a digit, any other such variable
/// would do in its place.
fn add_variables(message: &Row<'_>, hashes: &mut Hashes) -> bool {
    let text = message.text;
    if text.len() > LineKey::MAX_LENGTH_OF_REGULAR && !message.variables.is_empty() {
        return false;
    }
    message.variables.iter().all(|variable| {
        let variable = variable.start as usize..variable.end as usize;
        // What follows it tells an apostrophe from a quote.
        let after_apostrophe = text[..variable.start].last() == Some(&b'\'');
        if after_apostrophe || !is_whole_word(text, variable.clone()) {
            return false;
        }
        let mut have_digits = true;
        for_each_word(&text[variable], |word| {
            have_digits &= word.has_digit;
            hashes.insert(words::hash(word.lower));
        });
        have_digits
    })
}
