//! What an incident opens explained with: what was deployed before it, which errors are new or risen around it, which values its
//! errors have in common, some of its lines, and incidents like it. Looked for when somebody asks, each part in a time of its own:
//! one that is slow or fails says so, and the others are there.

pub(crate) mod lines;
pub(crate) mod parts;
pub(crate) mod place;

use time::{Duration, OffsetDateTime};

/// What is looked at after and, as long, before the moment around which an incident opened.
const AROUND: Duration = Duration::minutes(10);
/// What a rule counted had begun before it fired.
const BEFORE_OPENING: Duration = Duration::minutes(5);

/// Two windows of the same length, the later one around the opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) before: (OffsetDateTime, OffsetDateTime),
    pub(crate) after: (OffsetDateTime, OffsetDateTime),
}

impl Windows {
    pub(crate) fn around(opened_at: OffsetDateTime) -> Self {
        let middle = opened_at - BEFORE_OPENING;
        Self {
            before: (middle - AROUND, middle),
            after: (middle, middle + AROUND),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_windows_are_as_long_and_the_later_one_holds_the_opening() {
        let opened_at = time::macros::datetime!(2026-11-30 12:00 UTC);
        let Windows { before, after } = Windows::around(opened_at);
        assert_eq!(before.1, after.0);
        assert_eq!(before.1 - before.0, after.1 - after.0);
        assert!(after.0 < opened_at && opened_at < after.1);
    }
}
