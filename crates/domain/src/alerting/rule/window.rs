//! Spans of time that are counted in whole bins.

use time::{Duration, OffsetDateTime};

/// The last so many seconds, counted in whole bins.
///
/// Windows end at a multiple of their step. Every line of the window counts, and some that came up to two steps before
/// it: a burst that fits into the window is never cut in two by the bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    seconds: u32,
}

impl Window {
    /// Lines are counted by 5 s as they arrive.
    pub const SHORTEST_STEP: Duration = Duration::seconds(5);

    pub fn new(seconds: u32) -> Self {
        Self { seconds }
    }

    pub fn seconds(self) -> u32 {
        self.seconds
    }

    pub fn length(self) -> Duration {
        Duration::seconds(self.seconds.into())
    }

    /// The width of its bins: 5 s up to an hour, a minute up to a day, then ten.
    pub fn step(self) -> Duration {
        match self.seconds {
            0..=3_600 => Self::SHORTEST_STEP,
            3_601..=86_400 => Duration::MINUTE,
            _ => Duration::minutes(10),
        }
    }

    /// Where the first bin starts of a window that ends then.
    pub fn start(self, end: OffsetDateTime) -> OffsetDateTime {
        floor(end - self.length(), self.step()) - self.step()
    }
}

/// The last multiple of `step` since 1970 that is not after `at`.
pub fn floor(at: OffsetDateTime, step: Duration) -> OffsetDateTime {
    let nanos = at.unix_timestamp_nanos();
    let rest = nanos.rem_euclid(step.whole_nanoseconds().max(1));
    OffsetDateTime::from_unix_timestamp_nanos(nanos - rest).unwrap_or(at)
}
