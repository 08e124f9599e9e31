//! A shutdown that nobody can forget.

use std::fmt;
use std::time::Duration;

use crate::client::Client;
use crate::undelivered::Undelivered;

/// Shuts its client down when dropped; see [`Client::guard`].
///
/// Dropping it blocks the thread, for at most the time it was given. What could not be delivered goes to the function of
/// [`Guard::on_undelivered`], or is named by number on stderr.
#[must_use = "the client is shut down when the guard is dropped; keep it in a variable of main"]
pub struct Guard {
    client: Client,
    within: Duration,
    on_undelivered: Box<dyn FnMut(Undelivered) + Send + Sync>,
}

impl Guard {
    pub(crate) fn new(client: Client, within: Duration) -> Self {
        Self {
            client,
            within,
            on_undelivered: Box::new(|undelivered| eprintln!("sightline: {undelivered}")),
        }
    }

    /// What to do with lines that could not be delivered in time, such as writing them to a file.
    pub fn on_undelivered(mut self, handler: impl FnMut(Undelivered) + Send + Sync + 'static) -> Self {
        self.on_undelivered = Box::new(handler);
        self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Err(undelivered) = self.client.shutdown_blocking(self.within) {
            (self.on_undelivered)(undelivered);
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}
