//! `label="value"` and its three siblings.

use regex::{Regex, RegexBuilder};

/// Of one compiled regular expression, in bytes, and of its cache.
const REGEX_BYTES: usize = 1 << 20;

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, of the whole value.
    Regex,
    /// `!~`, of the whole value.
    NotRegex,
}

impl MatchOp {
    pub const ALL: [Self; 4] = [Self::Equal, Self::NotEqual, Self::Regex, Self::NotRegex];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// One condition on a label. A label that a line does not have counts as empty.
#[derive(Clone, Debug)]
pub struct Matcher {
    label: String,
    op: MatchOp,
    value: String,
    /// For the regular expressions only.
    regex: Option<Regex>,
}

impl Matcher {
    /// The error says what is wrong with the regular expression.
    pub fn new(label: String, op: MatchOp, value: String) -> Result<Self, String> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => {
                // Alone first: `a)(b` is none, whatever stands around it.
                compile(&value, false)?;
                Some(compile(&format!("^(?:{value})$"), false)?)
            }
        };
        Ok(Self {
            label,
            op,
            value,
            regex,
        })
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn op(&self) -> MatchOp {
        self.op
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    pub fn matches(&self, value: &str) -> bool {
        let found = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.value == value,
        };
        match self.op {
            MatchOp::Equal | MatchOp::Regex => found,
            MatchOp::NotEqual | MatchOp::NotRegex => !found,
        }
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.label, self.op, &self.value) == (&other.label, other.op, &other.value)
    }
}

/// A regular expression within bounds, or what is wrong with it.
pub(super) fn compile(pattern: &str, dot_matches_newline: bool) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .dot_matches_new_line(dot_matches_newline)
        .size_limit(REGEX_BYTES)
        .dfa_size_limit(REGEX_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "this regular expression is too large".to_owned(),
            // The message draws the expression over several lines; its last one says what is wrong.
            error => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                format!("this is no regular expression: {reason}")
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(op: MatchOp, value: &str) -> Matcher {
        Matcher::new("label".into(), op, value.into()).unwrap()
    }

    #[test]
    fn regular_expressions_are_of_the_whole_value() {
        assert!(matcher(MatchOp::Regex, "a|b").matches("a"));
        assert!(!matcher(MatchOp::Regex, "a|b").matches("ab"));
        assert!(matcher(MatchOp::NotRegex, "a|b").matches("ab"));
        assert!(!matcher(MatchOp::Regex, "a.*").matches("a\nb"));
        assert!(matcher(MatchOp::Regex, "(?s)a.*").matches("a\nb"));
        assert!(matcher(MatchOp::Regex, "(?i)mysql.+").matches("MySQL-1"));
    }

    #[test]
    fn a_broken_or_huge_expression_is_refused() {
        for (pattern, reason) in [
            ("a)(b", "this is no regular expression: unopened group"),
            ("(", "this is no regular expression: unclosed group"),
            (r"\w{1000}{1000}", "this regular expression is too large"),
        ] {
            let error = Matcher::new("label".into(), MatchOp::Regex, pattern.into()).unwrap_err();
            assert_eq!(error, reason);
        }
    }
}
