//! Which threads are the client's own: what the HTTP client and its runtime log there must not become log lines that are
//! then sent.

use std::cell::Cell;

thread_local! {
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Everything that happens on the calling thread from now on is the client's own doing.
pub(crate) fn mark() {
    OWN.set(true);
}

#[cfg(feature = "tracing-layer")]
pub(crate) fn is_own() -> bool {
    OWN.get()
}

/// For work on the application's threads that may log as well: a runtime built for tokio-console logs every wake-up.
#[cfg(feature = "tracing-layer")]
pub(crate) fn as_own(work: impl FnOnce()) {
    let before = OWN.replace(true);
    work();
    OWN.set(before);
}
