//! Numbers as the language compares them: exactly.

use std::cmp::Ordering;

/// A finite number. Whole numbers below 2^64 are exact, in whichever way they are spelt: `500`, `500.0` and `5e2` are
/// equal, `9007199254740993` and `9007199254740992` are not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(Repr);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Repr {
    /// Below 2^64, either sign.
    Whole(i128),
    /// Finite; has a fraction or is 2^64 at least, either sign.
    Float(f64),
}

/// 2^64.
const WHOLE_END: f64 = 18_446_744_073_709_551_616.0;

impl Number {
    /// Reads a text that is a JSON number from its first character to its last. `007`, `+5`, `0x1F`, `NaN` and ` 5` are
    /// none: what looks like a code is compared as a text.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let begins = matches!(bytes.first()?, b'0'..=b'9' | b'-');
        let ends = bytes.last()?.is_ascii_digit();
        if !(begins && ends) {
            return None;
        }
        Self::from_json(&serde_json::from_str(text).ok()?)
    }

    /// None only if the number is not finite, which no JSON is.
    pub fn from_json(number: &serde_json::Number) -> Option<Self> {
        if let Some(whole) = number.as_i64() {
            return Some(Self(Repr::Whole(whole.into())));
        }
        if let Some(whole) = number.as_u64() {
            return Some(Self(Repr::Whole(whole.into())));
        }
        number.as_f64().and_then(Self::from_f64)
    }

    /// None if it is infinite or not a number.
    pub fn from_f64(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        let is_whole = float.fract() == 0.0 && float.abs() < WHOLE_END;
        Some(Self(if is_whole {
            Repr::Whole(float as i128)
        } else {
            Repr::Float(float)
        }))
    }

    pub fn from_u64(whole: u64) -> Self {
        Self(Repr::Whole(whole.into()))
    }

    /// None if it is 2^64 or more, either sign.
    pub fn from_whole(whole: i128) -> Option<Self> {
        (whole.unsigned_abs() < 1 << 64).then_some(Self(Repr::Whole(whole)))
    }

    /// The JSON number; whole ones below -2^63 as the nearest float.
    pub fn to_json(self) -> Option<serde_json::Number> {
        match self.0 {
            Repr::Whole(whole) => u64::try_from(whole)
                .map(Into::into)
                .or_else(|_| i64::try_from(whole).map(Into::into))
                .ok()
                .or_else(|| serde_json::Number::from_f64(whole as f64)),
            Repr::Float(float) => serde_json::Number::from_f64(float),
        }
    }

    /// The nearest float.
    pub fn as_f64(self) -> f64 {
        match self.0 {
            Repr::Whole(whole) => whole as f64,
            Repr::Float(float) => float,
        }
    }

    /// The number itself if it is whole and below 2^64, either sign.
    pub fn as_whole(self) -> Option<i128> {
        match self.0 {
            Repr::Whole(whole) => Some(whole),
            Repr::Float(_) => None,
        }
    }
}

impl Eq for Number {}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Repr::Whole(left), Repr::Whole(right)) => left.cmp(&right),
            (Repr::Float(left), Repr::Float(right)) => left.total_cmp(&right),
            (Repr::Whole(left), Repr::Float(right)) => whole_to_float(left, right),
            (Repr::Float(left), Repr::Whole(right)) => whole_to_float(right, left).reverse(),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The float is no whole number below 2^64, so the two are never equal.
fn whole_to_float(whole: i128, float: f64) -> Ordering {
    if float.abs() >= WHOLE_END {
        return 0.0_f64.total_cmp(&float);
    }
    if whole <= float.floor() as i128 {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// Prints a JSON number.
impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Repr::Whole(whole) => write!(f, "{whole}"),
            Repr::Float(float) => write!(f, "{float:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_exactly_over_both_forms() {
        let rising = [
            "-1e300",
            "-18446744073709551615",
            "-1.5",
            "-1",
            "-0.5",
            "0",
            "0.5",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "1e300",
        ];
        let numbers = rising.map(|text| Number::parse(text).unwrap());
        for (index, number) in numbers.iter().enumerate() {
            for (other_index, other) in numbers.iter().enumerate() {
                assert_eq!(number.cmp(other), index.cmp(&other_index), "{number} {other}");
            }
            assert_eq!(Number::parse(&number.to_string()), Some(*number));
            assert_eq!(Number::from_json(&number.to_json().unwrap()), Some(*number));
        }
    }

    #[rstest::rstest]
    #[case("5e2", "500")]
    #[case("500.0", "500")]
    #[case("-0", "0")]
    #[case("-0.0", "0")]
    fn one_number_has_many_spellings(#[case] left: &str, #[case] right: &str) {
        assert_eq!(Number::parse(left).unwrap(), Number::parse(right).unwrap());
    }

    #[rstest::rstest]
    #[case("")]
    #[case("007")]
    #[case("+5")]
    #[case("0x1F")]
    #[case("NaN")]
    #[case("-")]
    #[case("1e999")]
    #[case(" 5")]
    #[case("5 ")]
    #[case("1.")]
    #[case(".5")]
    #[case("1_000")]
    fn what_looks_like_a_code_is_none(#[case] text: &str) {
        assert_eq!(Number::parse(text), None);
    }
}
