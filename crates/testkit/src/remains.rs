//! Names of what tests leave on shared servers, so that what a killed run left can be told from what is in use; and
//! cleaning up from `drop`, where nothing can be awaited.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a killed run left is removed by a later one after this long: no test runs for an hour.
const STALE: Duration = Duration::from_hours(1);

/// A name that is unique on the server and tells when it was made: `prefix_<unix seconds>_<random>`.
pub(crate) fn unique_name(prefix: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}_{}_{}", now().as_secs(), random.get(..12).unwrap())
}

/// Whether a name was made by [`unique_name`] with this prefix, more than an hour ago.
pub(crate) fn is_stale(prefix: &str, name: &str) -> bool {
    let made = name
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_')?.split('_').next()?.parse().ok());
    made.is_some_and(|made: u64| now().as_secs().saturating_sub(made) > STALE.as_secs())
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Runs a future to its end from a place that cannot await, also inside a runtime and during a panic. Errors are
/// shown, not raised: a second panic would abort the process.
pub(crate) fn finish(what: String, work: impl Future<Output = Result<(), String>> + Send + 'static) {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        let bounded = async { tokio::time::timeout(Duration::from_secs(20), work).await };
        runtime
            .block_on(bounded)
            .map_err(|_elapsed| "no answer in 20 s".to_owned())?
    };
    match std::thread::spawn(run).join() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => eprintln!("{what} failed: {error}; a later run removes it after an hour"),
        Err(_panic) => eprintln!("{what} panicked; a later run removes it after an hour"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_names_of_ours_are_stale() {
        assert!(is_stale("sl_test", "sl_test_1000_abc"));
        assert!(!is_stale("sl_test", &unique_name("sl_test")));
        assert!(!is_stale("sl_test", "sightline"));
        assert!(!is_stale("sl_test", "sl_test_abc_1000"));
    }
}
