//! The query that finds the lines of a template.

use super::template::{CUT, PLACEHOLDER};
use crate::query::ast::{MessageTest, TextField, TextTest};
use crate::query::text::Phrase;
use crate::query::{Expr, Test};
use crate::words::{ends_words, words};

/// Phrases of a query, the longest ones: a long template is told by fewer.
const MAX_PHRASES: usize = 12;
/// Words of a phrase.
const MAX_WORDS: usize = 24;

/// A query that every line of a template matches, made of the template's text: what stands between its variables, as
/// phrases. Lines of another template that has the same words and more match as well.
pub fn finding(text: &str, service: Option<&str>) -> String {
    let phrases: Vec<Vec<String>> = phrases(text);
    let mut longest: Vec<usize> = (0..phrases.len()).collect();
    longest.sort_by_key(|place| std::cmp::Reverse(phrases[*place].len()));
    longest.truncate(MAX_PHRASES);
    let chosen = phrases
        .iter()
        .enumerate()
        .filter(|(place, _)| longest.contains(place))
        .filter_map(|(_, words)| Phrase::new(words.join(" ")))
        .map(|phrase| Expr::Test(Test::Message(MessageTest::Words(phrase))));
    let service = service.map(|name| {
        let test = TextTest::Equals(name.to_owned());
        Expr::Test(Test::Text(TextField::Service, test))
    });
    Expr::and(service.into_iter().chain(chosen)).to_string()
}

/// The words between variables.
fn phrases(text: &str) -> Vec<Vec<String>> {
    let (text, is_cut) = match text.strip_suffix(CUT) {
        Some(text) => (text, true),
        None => (text, false),
    };
    let parts: Vec<&str> = text.split(PLACEHOLDER).collect();
    let mut phrases: Vec<Vec<String>> = parts
        .iter()
        .enumerate()
        .map(|(place, part)| certain(part, place > 0, place + 1 < parts.len()))
        .flat_map(runs)
        .collect();
    if is_cut && let Some(last) = phrases.last_mut() {
        // It may be half a word.
        last.pop();
    }
    phrases.retain(|words| !words.is_empty());
    phrases
}

/// The part without what may be one word with the variable before or after it: `'x'y` is one, although its beginning is quoted.
fn certain(part: &str, after_variable: bool, before_variable: bool) -> &str {
    let bytes = part.as_bytes();
    let begin = if after_variable {
        bytes.iter().position(|byte| ends_words(*byte))
    } else {
        Some(0)
    };
    let end = if before_variable {
        bytes.iter().rposition(|byte| ends_words(*byte))
    } else {
        Some(part.len())
    };
    begin
        .zip(end)
        .and_then(|(begin, end)| part.get(begin..end))
        .unwrap_or_default()
}

/// Words that are next to each other. One that a space before it changes, as it does one that begins with a combining sign, is
/// left out: a phrase is read as words with spaces between them.
fn runs(part: &str) -> Vec<Vec<String>> {
    let stands_alone = |word: &String| words(&format!(" {word}")).eq([word.as_str()]);
    let words: Vec<String> = words(part).collect();
    words
        .split(|word| !stands_alone(word))
        .map(|run| run[..run.len().min(MAX_WORDS)].to_vec())
        .collect()
}
