//! Where an error points, and what it proposes.

use rstest::rstest;

use crate::query::{Expr, Query};

#[rstest]
#[case("a \"b", 3, 2, "never closed", "put a quote")]
#[case("é \"b", 3, 2, "never closed", "put a quote")]
#[case("(a", 1, 1, "never closed", "put a )")]
#[case("a)", 2, 1, "nothing is open", "take it out")]
#[case("()", 1, 2, "nothing stands between", "put something in")]
#[case("a OR", 5, 0, "missing", "add it")]
#[case("OR a", 1, 2, "OR needs something on both sides", "\"OR\"")]
#[case("a AND OR b", 7, 2, "OR needs something on both sides", "\"OR\"")]
#[case("a NOT", 6, 0, "missing", "add it")]
#[case("a - b", 3, 1, "nothing stands right behind", "in quotes")]
#[case(
    "level:eror",
    7,
    4,
    "\"eror\" is no level",
    "write level:error or level:>=error; levels are trace, debug"
)]
#[case("level:zzz", 7, 3, "is no level", "level:warn")]
#[case("level:>fatal", 7, 6, "no level is in this range", "levels rise")]
#[case("level:warn*", 7, 5, "level takes no part of a value", "level:>=warn")]
#[case("level:/x/", 7, 3, "level takes no regex", "level:>=warn")]
#[case("ts:soon", 4, 4, "\"soon\" is no time", "2026-11-24T10:00:00Z")]
#[case("ts:>now-1y", 5, 6, "\"now-1y\" is no time", "now-1h")]
#[case("ts:now-1h", 4, 6, "a single moment", "write ts:>=now-1h")]
#[case("ts:[now TO now-60s]", 4, 16, "ends before it begins", "swap")]
#[case("ts:{now-1m TO now-60s]", 4, 19, "nothing lies within", "[ and ]")]
#[case("ts:2026-11-24T10:00:00", 4, 19, "is no time", "with its zone")]
#[case("ts:[2026-11-25 TO 2026-11-24]", 4, 26, "ends before it begins", "swap")]
#[case("service:>a", 9, 2, "service has no order", "service:check*")]
#[case("a:[5 TO 1]", 3, 8, "ends before it begins", "swap")]
#[case("a:{1 TO 1}", 3, 8, "nothing lies within", "[ and ]")]
#[case("a:[1 TO x]", 3, 8, "one end of this range is a number", "a:[1 TO 5]")]
#[case("a:[* TO *]", 3, 8, "both ends of this range are open", "a:*")]
#[case("a:[1 5]", 3, 3, "lacks TO", "a:[1 TO 5]")]
#[case("a:[1 TO 5", 3, 7, "never closed", "put ]")]
#[case("a:>", 4, 0, "a value is missing", ">=500")]
#[case("a:", 3, 0, "a value is missing behind the colon", "in quotes")]
#[case("a: b", 3, 1, "a value is missing behind the colon", "right behind")]
#[case("a:=5", 3, 1, "does not begin with =", "take the = out")]
#[case("std::io", 5, 1, "does not begin with :", "\"std::io\"")]
#[case("12:30", 1, 3, "no field's name", "\"12:30\"")]
#[case("http://x", 6, 2, "this regex is empty", "in quotes")]
#[case("/api/users", 1, 5, "a regex ends at its second slash", "\"/api/users\"")]
#[case("/health", 1, 7, "never closed", "in quotes")]
#[case("/a(/", 1, 4, "not a valid regex: unclosed group", "docs.rs/regex")]
#[case("x /\\w{500}{500}/", 3, 14, "too large", "repeat less")]
#[case("a*b", 1, 2, "a star may stand at the start or at the end", "/a.*b/")]
#[case("a:*b", 3, 2, "a star at the start needs one at the end", "a:*b*")]
#[case("C:\\temp", 3, 2, "\\t is no escape", "write \\\\t")]
#[case("a\\", 2, 1, "nothing follows this backslash", "write \\\\")]
#[case("\"\"", 1, 2, "no text between these quotes", "take the quotes out")]
#[case("f(x)", 2, 1, "a parenthesis follows with no space", "put a space")]
#[case("a\"b\"", 2, 1, "a quote follows with no space", "put a space")]
#[case("\"b\"a", 4, 1, "text follows with no space", "put a space")]
#[case("a | stat count()", 5, 4, "\"stat\" is no stage", "write | stats")]
#[case("a |", 4, 0, "the query ends", "stages are")]
#[case("a | patterns | top 1 x", 14, 1, "one stage", "leave this one out")]
#[case("a | patterns x", 14, 1, "\"x\" does not belong", "leave it out")]
#[case("| stats", 8, 0, "the query ends", "stages are")]
#[case("| stats avgg(x)", 9, 4, "\"avgg\" is no function", "write avg(")]
#[case("| stats count(x)", 15, 1, "takes no field", "has:field")]
#[case("| stats avg()", 13, 1, "a field is missing", "name one")]
#[case("| stats avg(level)", 13, 5, "level has no numbers", "count_distinct(level)")]
#[case(
    "| stats count(), count()",
    3,
    5,
    "two columns have the name count",
    "count() as lines"
)]
#[case(
    "| stats count() by message",
    20,
    7,
    "not grouped by their messages",
    "| patterns"
)]
#[case("| stats count() by a, a", 23, 1, "named twice", "once")]
#[case(
    "| stats count() by a,b,c,d,e",
    28,
    1,
    "4 fields at most",
    "leave this one out"
)]
#[case("| stats count() every 5x", 23, 2, "no interval", "every 5m")]
#[case("| stats count() every 31d", 23, 3, "no interval", "every 5m")]
#[case("| stats count() as 5x", 20, 2, "cannot name a column", "letter")]
#[case("| top 5000 x", 7, 4, "from 1 to 1000", "top 10 field")]
#[case("| top x", 7, 1, "from 1 to 1000", "top 10 field")]
fn an_error_names_the_place_and_the_remedy(
    #[case] text: &str,
    #[case] column: usize,
    #[case] length: usize,
    #[case] message: &str,
    #[case] fix: &str,
) {
    let error = Query::parse(text).unwrap_err();
    assert_eq!((error.column, error.length), (column, length), "{error}");
    assert!(error.message.contains(message), "{error}");
    assert!(error.fix.contains(fix), "{error}");
}

#[test]
fn a_query_has_bounds() {
    let refused = |text: &str, message: &str| {
        let error = Query::parse(text).unwrap_err();
        assert!(error.message.contains(message), "{error}");
    };
    assert!(Query::parse(&"a ".repeat(64)).is_ok());
    refused(&"a ".repeat(65), "64");
    refused(&"a".repeat(4097), "4097 bytes");
    assert!(Query::parse(&format!("{}a{}", "(".repeat(32), ")".repeat(32))).is_ok());
    refused(&format!("{}a{}", "(".repeat(33), ")".repeat(33)), "32 levels");
    refused(&"-".repeat(4000), "32 levels");
    refused(&format!("{}a", "-".repeat(4000)), "32 levels");
    let name = "n".repeat(2000);
    refused(&format!("{name}:(a OR b) OR c OR {name}:d"), "written out");
}

#[test]
fn a_filter_has_no_pipe() {
    assert!(Expr::parse("a b").is_ok());
    assert_eq!(Expr::parse("a | patterns").unwrap_err().column, 3);
}
