//! Severity of a log line.

use serde::{Deserialize, Serialize};

/// Levels in rising order. Stored as the smallint `code()`, which sorts the same way.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    pub const ALL: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The stored form: 0 for trace up to 5 for fatal.
    pub fn code(self) -> i16 {
        self as i16
    }

    pub fn from_code(code: i16) -> Option<Self> {
        usize::try_from(code)
            .ok()
            .and_then(|index| Self::ALL.get(index))
            .copied()
    }

    /// Whether a line of this level counts as an error for rules and overviews: error and fatal.
    pub fn is_error(self) -> bool {
        self >= Self::Error
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Level {
    type Err = UnknownLevel;

    /// Reads any case, and the names that common loggers and syslog give the same six levels.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        // The longest name is 13 bytes; a longer text is no level.
        const MAX_BYTES: usize = 16;
        if text.len() > MAX_BYTES {
            return Err(UnknownLevel);
        }
        // Every line comes by here: in lower case on the stack.
        let name = text.trim().as_bytes();
        let mut lower = [0; MAX_BYTES];
        let lower = &mut lower[..name.len()];
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        match &*lower {
            b"trace" | b"verbose" | b"finest" | b"finer" => Ok(Self::Trace),
            b"debug" | b"fine" => Ok(Self::Debug),
            b"info" | b"information" | b"informational" | b"notice" => Ok(Self::Info),
            b"warn" | b"warning" => Ok(Self::Warn),
            b"error" | b"err" | b"severe" => Ok(Self::Error),
            b"fatal" | b"critical" | b"crit" | b"panic" | b"alert" | b"emergency" | b"emerg" => {
                Ok(Self::Fatal)
            }
            _ => Err(UnknownLevel),
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a level is one of trace, debug, info, warn, error, fatal")]
pub struct UnknownLevel;

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("WARNING", Level::Warn)]
    #[case("Err", Level::Error)]
    #[case(" crit ", Level::Fatal)]
    #[case("notice", Level::Info)]
    fn the_names_of_common_loggers_are_understood(#[case] text: &str, #[case] level: Level) {
        assert_eq!(text.parse(), Ok(level));
    }

    #[test]
    fn an_unknown_name_is_an_error_and_never_a_default() {
        assert_eq!("loud".parse::<Level>(), Err(UnknownLevel));
        assert_eq!("".parse::<Level>(), Err(UnknownLevel));
        assert_eq!("error".repeat(1000).parse::<Level>(), Err(UnknownLevel));
    }

    #[test]
    fn codes_round_trip_and_sort_like_levels() {
        for level in Level::ALL {
            assert_eq!(Level::from_code(level.code()), Some(level));
        }
        assert!(Level::ALL.is_sorted_by_key(|level| level.code()));
        assert_eq!(Level::from_code(6), None);
        assert_eq!(Level::from_code(-1), None);
    }
}
