//! What happens to a message after its handler failed.

use std::time::Duration;

/// Where a message goes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Handled again after this long.
    Retry { attempts: u32, delay: Duration },
    /// Kept for people to look at.
    Dead { attempts: u32 },
}

/// Decides after one more failure. `attempts` failed before it; there is one more try for each delay.
pub(crate) fn after_failure(attempts: u32, delays: &[Duration]) -> Next {
    let failed = attempts.saturating_add(1);
    match delays.get(attempts as usize) {
        Some(delay) => Next::Retry {
            attempts: failed,
            delay: *delay,
        },
        None => Next::Dead { attempts: failed },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SHORT: Duration = Duration::from_secs(1);
    const LONG: Duration = Duration::from_secs(30);

    #[rstest]
    #[case(0, &[SHORT, LONG], Next::Retry { attempts: 1, delay: SHORT })]
    #[case(1, &[SHORT, LONG], Next::Retry { attempts: 2, delay: LONG })]
    #[case(2, &[SHORT, LONG], Next::Dead { attempts: 3 })]
    #[case(u32::MAX, &[SHORT, LONG], Next::Dead { attempts: u32::MAX })]
    #[case(0, &[], Next::Dead { attempts: 1 })]
    fn there_is_one_retry_for_each_delay_and_then_none(
        #[case] attempts: u32,
        #[case] delays: &[Duration],
        #[case] expected: Next,
    ) {
        assert_eq!(after_failure(attempts, delays), expected);
    }
}
