//! Durations and sizes as LogQL writes them.

const NS: i64 = 1;
const US: i64 = 1_000;
const MS: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Largest first, for printing.
const PRINTED: [(i64, &str); 6] = [
    (HOUR, "h"),
    (MINUTE, "m"),
    (SECOND, "s"),
    (MS, "ms"),
    (US, "us"),
    (NS, "ns"),
];

fn duration_unit(unit: &str) -> Option<i64> {
    Some(match unit {
        "ns" => NS,
        "us" | "µs" | "μs" => US,
        "ms" => MS,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        "y" => 365 * DAY,
        _ => return None,
    })
}

/// A duration in nanoseconds: `1h30m`, `500ms`, `1.5h`, `1d`, `1w`, `1y` (365 days), also negative; `0` alone needs no
/// unit. None if it is none, or longer than 292 years.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let (number, unit, behind) = part(rest)?;
        total = total.checked_add(times(number, duration_unit(unit)?)?)?;
        rest = behind;
    }
    Some(if negative { -total } else { total })
}

/// `1h30m` taken apart at its first number: `1`, `h`, `30m`.
fn part(text: &str) -> Option<(&str, &str, &str)> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let (number, rest) = text.split_at(text.find(|c| !is_number(c))?);
    let (unit, behind) = rest.split_at(rest.find(is_number).unwrap_or(rest.len()));
    Some((number, unit, behind))
}

fn times(number: &str, unit: i64) -> Option<i64> {
    if let Ok(whole) = number.parse::<i64>() {
        return whole.checked_mul(unit);
    }
    let nanoseconds = number.parse::<f64>().ok()? * unit as f64;
    (nanoseconds < i64::MAX as f64).then(|| nanoseconds.round() as i64)
}

/// The canonical text of a duration in nanoseconds: `1h30m`.
pub(super) fn print_duration(nanoseconds: i64) -> String {
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    let mut text = String::from(if nanoseconds < 0 { "-" } else { "" });
    let mut rest = nanoseconds.unsigned_abs();
    for (unit, name) in PRINTED {
        let count = rest / unit.unsigned_abs();
        rest %= unit.unsigned_abs();
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(name);
        }
    }
    text
}

/// A size in bytes: `5KB` (5,000), `1.5KiB` (1,536), `20B`, `3k`, `5 MiB`, `42`. None if it is none.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let bytes = number.parse::<f64>().ok()? * bytes_unit(unit.trim())?;
    (bytes < u64::MAX as f64).then_some(bytes as u64)
}

fn bytes_unit(unit: &str) -> Option<f64> {
    let unit = unit.to_ascii_lowercase();
    let prefix = unit.strip_suffix('b').unwrap_or(&unit);
    let (base, prefix) = match prefix.strip_suffix('i') {
        Some(prefix) => (1024_f64, prefix),
        None => (1000_f64, prefix),
    };
    let power = match prefix {
        "" if base < 1024.0 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    Some(base.powi(power))
}

/// A number as Prometheus writes it: the shortest text without an exponent that reads back as the same number.
pub fn print_number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("5m", Some(300_000_000_000))]
    #[case("1h30m", Some(5_400_000_000_000))]
    #[case("500ms", Some(500_000_000))]
    #[case("1.5h", Some(5_400_000_000_000))]
    #[case("1d", Some(86_400_000_000_000))]
    #[case("1w", Some(604_800_000_000_000))]
    #[case("1y", Some(31_536_000_000_000_000))]
    #[case("10µs", Some(10_000))]
    #[case("-5s", Some(-5_000_000_000))]
    #[case("0", Some(0))]
    #[case("5", None)]
    #[case("m", None)]
    #[case("", None)]
    #[case("-", None)]
    #[case("5mm", None)]
    #[case("1.2.3s", None)]
    #[case("300y", None)]
    fn durations(#[case] text: &str, #[case] nanoseconds: Option<i64>) {
        assert_eq!(parse_duration(text), nanoseconds);
        if let Some(nanoseconds) = nanoseconds {
            assert_eq!(parse_duration(&print_duration(nanoseconds)), Some(nanoseconds));
        }
    }

    #[rstest::rstest]
    #[case("20B", Some(20))]
    #[case("5KB", Some(5_000))]
    #[case("5kB", Some(5_000))]
    #[case("1.5KiB", Some(1_536))]
    #[case("5 MiB", Some(5_242_880))]
    #[case("3k", Some(3_000))]
    #[case("1G", Some(1_000_000_000))]
    #[case("42", Some(42))]
    #[case("5ib", None)]
    #[case("KB", None)]
    #[case("-1B", None)]
    #[case("999999999PB", None)]
    fn sizes(#[case] text: &str, #[case] bytes: Option<u64>) {
        assert_eq!(parse_bytes(text), bytes);
    }

    #[rstest::rstest]
    #[case(1.0, "1")]
    #[case(0.5, "0.5")]
    #[case(1e21, "1000000000000000000000")]
    #[case(f64::NAN, "NaN")]
    #[case(f64::INFINITY, "+Inf")]
    #[case(f64::NEG_INFINITY, "-Inf")]
    fn numbers_as_prometheus_writes_them(#[case] value: f64, #[case] text: &str) {
        assert_eq!(print_number(value), text);
    }
}
