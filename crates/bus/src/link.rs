//! Keeps a link to the broker: connects, lets the link work, and connects again, until told to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::backoff::Backoff;
use crate::config::BusConfig;
use crate::health::{HealthReporter, LinkState};
use crate::metrics;
use crate::session::{LinkError, Session};

/// How long declaring everything may take. A broker whose port is open may not have its queues yet.
const SETUP: Duration = Duration::from_secs(15);
/// A link that stood for this long starts again without the back-off of earlier failures.
const STABLE: Duration = Duration::from_secs(5);

/// What one link does with its connection.
pub(crate) trait Work: Send {
    /// Names the link in logs, metrics and the broker's list of connections.
    fn name(&self) -> &'static str;

    /// Declares what it needs, calls [`Session::ready`] and works. `Ok` only after `session.stop`; dropped in the middle
    /// when the connection is lost.
    fn run(&mut self, session: &Session) -> impl Future<Output = Result<(), LinkError>> + Send;
}

/// Works until `stop` is cancelled, over as many connections as it takes.
pub(crate) async fn supervise(
    mut work: impl Work,
    config: BusConfig,
    health: HealthReporter,
    stop: CancellationToken,
) {
    let link = work.name();
    let span = tracing::info_span!("bus_link", link);
    let health = Arc::new(health);
    keep_up(&mut work, &config, &health, &stop).instrument(span).await;
    health.report(LinkState::Disconnected);
}

async fn keep_up(
    work: &mut impl Work,
    config: &BusConfig,
    health: &Arc<HealthReporter>,
    stop: &CancellationToken,
) {
    let mut backoff = Backoff::default();
    loop {
        let opened = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            opened = Session::open(config, work.name(), health.clone(), stop.clone()) => opened,
        };
        let error = match opened {
            Err(error) => error,
            Ok(session) => {
                let outcome = use_up(work, &session).await;
                health.report(LinkState::Disconnected);
                if session.stood_for() >= STABLE {
                    backoff.reset();
                }
                session.close().await;
                match outcome {
                    Ok(()) => return,
                    Err(error) => error,
                }
            }
        };
        report(work.name(), &error, &backoff);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(backoff.next()) => {}
        }
    }
}

/// Works on one connection until it is lost or the program stops.
async fn use_up(work: &mut impl Work, session: &Session) -> Result<(), LinkError> {
    tokio::select! {
        outcome = work.run(session) => outcome,
        error = session.lost() => Err(error),
        error = session.setup_deadline(SETUP) => Err(error),
        () = session.stopped_unready() => Ok(()),
    }
}

/// One warning for an outage, not one for every try.
fn report(link: &'static str, error: &LinkError, backoff: &Backoff) {
    metrics::reconnect(link);
    if backoff.failures() == 0 {
        tracing::warn!(%error, "the link {link} to the broker is down; trying until it is back: {error}");
    } else {
        tracing::debug!(%error, tries = backoff.failures(), "the link {link} to the broker is still down: {error}");
    }
}
