//! Whether a link to the broker stands, as a cheap answer for `/metrics` and the detail of `/readyz`.

use tokio::sync::watch;

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Not yet connected, or reconnecting.
    Disconnected,
    /// Usable: connected, and its topology declared.
    Connected,
    /// Connected, but the broker takes no messages: it is short of memory or disk.
    Blocked,
}

/// Answers how a link stands, without I/O. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(watch::Receiver<LinkState>);

impl Health {
    pub fn state(&self) -> LinkState {
        *self.0.borrow()
    }

    pub fn connected(&self) -> bool {
        self.state() == LinkState::Connected
    }

    /// Waits until the link is usable; for ever if its owner is gone.
    pub async fn wait_connected(&self) {
        let mut states = self.0.clone();
        if states
            .wait_for(|state| *state == LinkState::Connected)
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }
}

/// The supervisor's end.
pub(crate) struct HealthReporter {
    link: &'static str,
    states: watch::Sender<LinkState>,
}

impl HealthReporter {
    pub(crate) fn new(link: &'static str) -> (Self, Health) {
        let (states, watched) = watch::channel(LinkState::Disconnected);
        crate::metrics::link_state(link, LinkState::Disconnected);
        (Self { link, states }, Health(watched))
    }

    pub(crate) fn report(&self, state: LinkState) {
        crate::metrics::link_state(self.link, state);
        self.states.send_replace(state);
    }
}
