//! What is read, as it prints again.

use rstest::rstest;

use crate::query::{Expr, Query};

#[rstest]
#[case::nothing_is_everything("", "*")]
#[case("  ", "*")]
#[case("*", "*")]
#[case("timeout", "timeout")]
#[case::and_is_silent("a AND b  c", "a b c")]
#[case::or_binds_weaker("a b OR c", "(a b) OR c")]
#[case("(a)", "a")]
#[case("a (b (c d))", "a b c d")]
#[case("-a !b NOT c", "NOT a NOT b NOT c")]
#[case("NOT NOT a", "a")]
#[case("-(a b)", "NOT (a b)")]
#[case("NOT a b", "NOT a b")]
#[case::lower_case_is_a_word("a or b", "a \"or\" b")]
#[case("user-agent", "user-agent")]
#[case("\"user agent\"", "\"user agent\"")]
#[case("pay* user-ag*", "pay* user-ag*")]
#[case("*imeou* *tail", "*imeou* *tail*")]
#[case("\"->\" =>", "*\"->\"* *\"=>\"*")]
#[case(
    "message:timeout message:\"a b\" message:*abc* message:/re/",
    "timeout \"a b\" *abc* /re/"
)]
#[case("message:(a OR b)", "a OR b")]
#[case("a\\*b", "\"a*b\"")]
#[case("a\\ b*", "\"a b\"*")]
#[case("/a\\/b/", "/a\\/b/")]
#[case("level:(warn OR error)", "level:(warn OR error)")]
#[case("level:warn OR level:error", "level:(warn OR error)")]
#[case("level:>=WARNING", "level:>=warn")]
#[case("level:>error", "level:fatal")]
#[case("level:{debug TO error}", "level:[info TO warn]")]
#[case("level:* service:*", "*")]
#[case("environment:prod timestamp:2026-11-24", "env:prod ts:2026-11-24")]
#[case("ts:>2026-11-24", "ts:>=2026-11-25T00:00:00Z")]
#[case("ts:<=2026-11-24", "ts:<2026-11-25T00:00:00Z")]
#[case("ts:2026-11-24T10:00:00+02:00", "ts:2026-11-24T08:00:00Z")]
#[case("ts:>now-90m ts:<=now", "ts:(>now-90m AND <=now)")]
#[case("ts:[now-2d TO 2026-11-24]", "ts:[now-2d TO 2026-11-25T00:00:00Z}")]
#[case(
    "ts:[2026-11-24 TO 2026-11-25]",
    "ts:[2026-11-24T00:00:00Z TO 2026-11-26T00:00:00Z}"
)]
#[case(
    "a:500 a:\"500\" a:val* a:*val* a:* a:/x/",
    "a:500 a:500 a:val* a:*val* has:a a:/x/"
)]
#[case("a:>500 a:<=5.50", "a:(>500 AND <=5.5)")]
#[case("a:[1 to *] a:{* TO x}", "a:(>=1 AND <x)")]
#[case("a:(>=500 or 404 or not /x/)", "a:(>=500 OR 404 OR NOT /x/)")]
#[case("a:(x y)", "a:(x AND y)")]
#[case("a:-5", "a:-5")]
#[case("a:12:30", "a:12:30")]
#[case(
    "\"odd name\":x \"level\":x http.\"odd name\".y:x",
    "\"odd name\":x \"level\":x \"http.odd name.y\":x"
)]
#[case(
    "has:level has:trace_id has:\"level\" has:(a OR b.c)",
    "has:trace_id has:\"level\" (has:a OR has:b.c)"
)]
#[case("| stats count()", "* | stats count()")]
#[case(
    "x | STATS Count() AS n, p95( http.ms ) every 60s BY service,\"odd name\"",
    "x | stats count() as n, p95(http.ms) by service, \"odd name\" every 1m"
)]
#[case("a|top 10 http.path", "a | top 10 http.path")]
#[case("a | patterns", "a | patterns")]
fn a_query_prints_in_one_form(#[case] text: &str, #[case] printed: &str) {
    let query = Query::parse(text).unwrap();
    assert_eq!(query.to_string(), printed);
    assert_eq!(Query::parse(printed), Ok(query));
}

#[rstest]
#[case("service:a error OR service:b", "a", "error")]
#[case("service:a error OR service:b", "b", "*")]
#[case("service:a error OR service:b", "c", "NOT *")]
#[case("NOT service:A x", "a", "NOT *")]
#[case("NOT service:A x env:p*", "b", "x")]
#[case("env:staging OR x", "a", "x")]
fn what_is_known_of_a_scope_is_folded(#[case] text: &str, #[case] service: &str, #[case] left: &str) {
    let expr = Expr::parse(text).unwrap();
    assert_eq!(expr.for_scope(service, "production").to_string(), left);
}
