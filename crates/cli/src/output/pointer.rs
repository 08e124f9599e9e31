//! Points at the column of a query that is wrong.

use unicode_width::UnicodeWidthStr as _;

use super::harmless;

/// The query, and below it a mark at the column that the server's message names; `None` if it names none.
pub(crate) fn mark(query: &str, message: &str) -> Option<String> {
    let column = column(message)?;
    let before: String = query.chars().take(column.checked_sub(1)?).collect();
    let width = harmless::inline(&before).width();
    Some(format!("{}\n{}^", harmless::inline(query), " ".repeat(width)))
}

/// Of `… column 5: …`.
fn column(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("column ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("a (b", "q is no query: column 3: a parenthesis; close it", Some("a (b\n  ^"))]
    #[case("日本 (b", "column 4: x", Some("日本 (b\n     ^"))]
    #[case("a\t(b", "column 3: x", Some("a\\t(b\n   ^"))]
    #[case("a", "column 2: something lacks", Some("a\n ^"))]
    #[case("a", "something else", None)]
    #[case("a", "column x", None)]
    #[case("a", "column 0: x", None)]
    fn the_mark_stands_below_the_column(
        #[case] query: &str,
        #[case] message: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(mark(query, message).as_deref(), expected);
    }
}
