//! Remarks on standard error, so that standard output holds answers only.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::harmless;

/// Says something that must not be missed. Nobody is left to tell if that fails.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "sightline: {}", harmless::block(text));
}

/// Says something that only people care about.
pub(crate) fn hint(text: &str) {
    if io::stderr().is_terminal() {
        say(text);
    }
}

/// A line on the terminal that is written over and over; elsewhere nothing.
pub(crate) struct Progress {
    is_shown: bool,
    last: Option<Instant>,
}

impl Progress {
    const PAUSE: Duration = Duration::from_millis(200);

    pub(crate) fn new() -> Self {
        Self {
            is_shown: io::stderr().is_terminal(),
            last: None,
        }
    }

    /// Shows it, unless something was shown a moment ago.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.is_shown && self.last.is_none_or(|last| last.elapsed() >= Self::PAUSE) {
            self.last = Some(Instant::now());
            // To the start of the line, and what was there goes.
            let _ = write!(io::stderr(), "\r\u{1b}[K{}", harmless::inline(&text()));
        }
    }

    /// Leaves no trace.
    pub(crate) fn clear(&mut self) {
        if self.last.take().is_some() {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

/// `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1.5 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        0x10_0000.. => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([5, 1536, 1_572_864].map(bytes), ["5 B", "1.5 KiB", "1.5 MiB"]);
    }
}
