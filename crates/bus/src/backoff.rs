//! How long to wait before the next try.

use std::time::Duration;

/// Exponential with full jitter: any time between nothing and a bound that doubles up to a cap, so that replicas that
/// lost the broker together do not come back together.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    pub(crate) const CAP: Duration = Duration::from_secs(5);

    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.failures = self.failures.saturating_add(1);
        rand::random_range(Duration::ZERO..=bound)
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    fn bound(&self) -> Duration {
        Self::FIRST
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(Self::CAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_starts_again_after_a_reset() {
        let mut backoff = Backoff::default();
        let mut bounds = Vec::new();
        for _ in 0..8 {
            bounds.push(backoff.bound().as_millis());
            let bound = backoff.bound();
            assert!(backoff.next() <= bound);
        }
        assert_eq!(bounds, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        for _ in 0..100 {
            assert!(
                backoff.next() <= Backoff::CAP,
                "far beyond what doubling could count"
            );
        }
        backoff.reset();
        assert_eq!(backoff.bound(), Duration::from_millis(100));
    }
}
