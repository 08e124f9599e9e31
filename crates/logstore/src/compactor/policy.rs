//! What is merged with what, and when. Pure.
//!
//! A line is written once by ingest and should be rewritten about once more: what is young waits until there is enough of
//! it, or until it has waited long enough. Pieces of one scope that expire on the same day are merged with one another
//! only, so that a segment goes as a whole when its day comes.

use std::time::Duration;

/// A segment with at least so many lines is left alone. `log_segments_open_idx` is made for the same number. By
/// measurement: larger ones compress no better, and make the newest lines dearer to find.
pub(super) const FULL_ROWS: u64 = 16_384;
/// So many small pieces of a scope are merged whatever they hold: each costs every search of the scope a look.
const MANY_PIECES: usize = 16;
/// What was written so long ago is merged however little it is.
const LONG_AGO: Duration = Duration::from_mins(10);
/// Loose rows are cheaper to keep than a segment of a few lines is, for a while.
const LONG_AGO_FOR_ROWS: Duration = Duration::from_hours(1);
/// As many loose rows make a segment worth while.
const MANY_ROWS: u64 = 64;

/// Bounds of one merge: what it holds in memory.
pub(super) const MAX_MERGE_ROWS: u64 = 65_536;
pub(super) const MAX_MERGE_BYTES: u64 = 64 << 20;

/// How much of the machine merging takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// Units that are merged at a time: while one is read or written by PostgreSQL, another is encoded.
    pub(super) workers: usize,
    /// The share of its time that each works.
    pub(super) duty: f64,
}

impl Pace {
    /// One worker at half of its time merges about 250,000 lines a second. Under a load that brings more for long it has to
    /// be more, or the backlog grows for as long as the load lasts.
    pub(super) fn of(duty: f64, is_behind: bool) -> Self {
        const DUTY_BEHIND: f64 = 0.7;
        if is_behind {
            Self {
                workers: 2,
                duty: duty.clamp(DUTY_BEHIND, 1.0),
            }
        } else {
            Self {
                workers: 1,
                duty: duty.clamp(0.05, 1.0),
            }
        }
    }
}

/// What there is of one scope and day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    pub(super) fresh: Pieces,
    /// Merged before, and not full.
    pub(super) open: Pieces,
    /// Old enough to be looked at.
    pub(super) loose_rows: u64,
    /// Since the oldest loose row was written.
    pub(super) loose_age: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    pub(super) count: usize,
    pub(super) rows: u64,
    /// Since the oldest was written.
    pub(super) age: Duration,
}

/// What to merge now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    Nothing,
    /// Fresh segments and loose rows, into a segment that later ones will be merged with.
    New,
    /// These and the open segments.
    All,
}

pub(super) fn decide(backlog: &Backlog) -> Merge {
    let Backlog {
        fresh,
        open,
        loose_rows,
        loose_age,
    } = *backlog;
    if fresh.rows + open.rows + loose_rows >= FULL_ROWS && fresh.count + open.count > 1 {
        return Merge::All;
    }
    let fresh_is_due = fresh.count >= MANY_PIECES || (fresh.count > 0 && fresh.age >= LONG_AGO);
    let loose_is_due = loose_rows >= MANY_ROWS || (loose_rows > 0 && loose_age >= LONG_AGO_FOR_ROWS);
    match (fresh_is_due || loose_is_due, open.count >= MANY_PIECES) {
        (_, true) => Merge::All,
        (true, false) => Merge::New,
        (false, false) => Merge::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(count: usize, rows: u64, minutes: u64) -> Pieces {
        Pieces {
            count,
            rows,
            age: Duration::from_mins(minutes),
        }
    }

    #[rstest::rstest]
    // Enough for a full segment.
    #[case(pieces(17, 17_000, 0), pieces(0, 0, 0), 0, 0, Merge::All)]
    #[case(pieces(2, 2_000, 0), pieces(3, 15_000, 5), 0, 0, Merge::All)]
    // A single one that is full needs to leave its hour all the same, when that is over.
    #[case(pieces(1, 20_000, 0), pieces(0, 0, 0), 0, 0, Merge::Nothing)]
    #[case(pieces(1, 20_000, 10), pieces(0, 0, 0), 0, 0, Merge::New)]
    // Little, and young.
    #[case(pieces(15, 1_500, 9), pieces(15, 1_500, 60), 63, 59, Merge::Nothing)]
    // Many pieces, or old ones.
    #[case(pieces(16, 1_600, 0), pieces(0, 0, 0), 0, 0, Merge::New)]
    #[case(pieces(1, 100, 10), pieces(15, 1_500, 600), 0, 0, Merge::New)]
    #[case(pieces(0, 0, 0), pieces(16, 1_600, 600), 0, 0, Merge::All)]
    // Loose rows.
    #[case(pieces(0, 0, 0), pieces(0, 0, 0), 64, 10, Merge::New)]
    #[case(pieces(0, 0, 0), pieces(0, 0, 0), 1, 60, Merge::New)]
    #[case(pieces(0, 0, 0), pieces(1, 10, 6_000), 0, 0, Merge::Nothing)]
    fn lines_wait_until_there_are_enough_or_they_are_old(
        #[case] fresh: Pieces,
        #[case] open: Pieces,
        #[case] loose_rows: u64,
        #[case] loose_minutes: u64,
        #[case] expected: Merge,
    ) {
        let backlog = Backlog {
            fresh,
            open,
            loose_rows,
            loose_age: Duration::from_mins(loose_minutes),
        };
        assert_eq!(decide(&backlog), expected);
    }
}
