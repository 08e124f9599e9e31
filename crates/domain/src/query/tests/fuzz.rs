//! Whatever is typed: no panic, and each error has a place. `PROPTEST_CASES` raises the number of cases.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::arbitrary;
use crate::query::{Expr, Query};

fn config(cases: u32) -> Config {
    let mut config = Config::default();
    // The default of the library is 256, so that only a larger number was asked for.
    config.cases = config.cases.max(cases);
    config
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match Query::parse(text) {
        Ok(query) => {
            let printed = query.to_string();
            let again = Query::parse(&printed);
            prop_assert_eq!(again.as_ref(), Ok(&query), "printed {}", printed);
            let tests = query.filter.tests().len();
            prop_assert!(tests <= Expr::MAX_TESTS && query.filter.depth() <= Expr::MAX_DEPTH);
        }
        Err(error) => {
            let chars = text.chars().count();
            prop_assert!((1..=chars + 1).contains(&error.column), "{:?}", error);
            prop_assert!(error.column - 1 + error.length <= chars, "{:?}", error);
            prop_assert!(!error.message.is_empty() && !error.fix.is_empty());
        }
    }
    Ok(())
}

/// Pieces of the language in any order.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        " ",
        " ",
        "AND",
        " OR ",
        "NOT ",
        "or",
        "-",
        "!",
        "(",
        ")",
        "\"",
        "\\",
        "*",
        "/",
        ":",
        "|",
        "[",
        "]",
        "{",
        "}",
        " TO ",
        ">",
        ">=",
        "<",
        "=",
        ",",
        ".",
        "a",
        "word",
        "level:",
        "warn",
        "ts:",
        "2026-11-24",
        "T10:00:00Z",
        "service:",
        "has:",
        "http.status:",
        "500",
        "-5",
        "1e999",
        "message:",
        "\u{e9}",
        "\u{130}",
        "\0",
        "\n",
        "stats ",
        "count()",
        "p95(",
        "by ",
        "every ",
        "1m",
        "as ",
        "top ",
        "10",
        "patterns",
        "(?i)",
        "+",
        "?",
    ];
    proptest::collection::vec(proptest::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

/// A good query with some characters changed.
fn mutated() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        0..3_u8,
        any::<char>(),
        "[-()\"/*:|\\[\\]{}<>\\\\ a1]",
    );
    (good(), proptest::collection::vec(change, 1..4)).prop_map(|(text, changes)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (index, kind, odd, sign) in changes {
            let at = index.index(chars.len() + 1);
            match kind {
                0 if at < chars.len() => {
                    chars.remove(at);
                }
                1 => chars.insert(at, odd),
                _ => chars.splice(at..at, sign.chars()).for_each(drop),
            }
        }
        chars.into_iter().collect()
    })
}

fn good() -> impl Strategy<Value = String> {
    proptest::sample::select(&[
        "timeout user-agent \"connection reset\" pay* *imeou* /time(d )?out/",
        "level:>=warn service:check* -env:staging (trace_id:abc OR has:request_id)",
        "http.status:>=500 http.ms:[1 TO 5} path:(a OR \"b c\" OR NOT /x\\/y/) \"odd name\":*",
        "ts:[2026-11-24 TO 2026-11-25T10:00:00Z] !x AND NOT (y OR z)",
        "error | stats count(), p95(http.ms) as slow, count_distinct(user) by service, http.path every 5m",
        "* | top 10 http.path",
        "a | patterns",
    ][..])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(config(100_000))]
    #[test]
    fn pieces_of_the_language_never_panic(text in pieces()) {
        check(&text)?;
    }
}

proptest! {
    #![proptest_config(config(20_000))]
    #[test]
    fn broken_queries_never_panic(text in mutated()) {
        check(&text)?;
    }
}

proptest! {
    #![proptest_config(config(20_000))]
    #[test]
    fn any_text_never_panics(text in any::<String>()) {
        check(&text)?;
    }
}

proptest! {
    #![proptest_config(config(100_000))]
    #[test]
    fn what_a_tree_prints_parses_to_the_same_tree(query in arbitrary::query()) {
        let printed = query.to_string();
        // Random texts may add up to more than a query may have.
        prop_assume!(printed.len() <= Query::MAX_BYTES && query.filter.tests().len() <= Expr::MAX_TESTS);
        prop_assert_eq!(Query::parse(&printed), Ok(query), "printed {}", printed);
    }
}
