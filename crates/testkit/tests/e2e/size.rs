//! How large tests of a load are: small enough for every run, or as large as what is promised.

/// `TEST_FULL_SIZE=yes` runs them at the size of the promise, which takes minutes.
pub(crate) fn is_full() -> bool {
    std::env::var_os("TEST_FULL_SIZE").is_some_and(|value| value == "yes")
}

/// One of two sizes.
pub(crate) fn of<T>(usual: T, full: T) -> T {
    if is_full() { full } else { usual }
}
