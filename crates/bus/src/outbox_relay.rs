//! Takes events from the outbox and publishes them, each at least once, with the id it was written with.
//!
//! Several replicas may run it: a claim is a lease, and only its holder settles it.

use std::sync::Arc;
use std::time::Duration;

use db::outbox::{self, ClaimedEvent};
use db::{Db, DbError};
use domain::events::RoutingKey;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::message::Message;
use crate::metrics;
use crate::publisher::{PublishError, Publisher};

/// Published together, so that the confirm deadline bounds the batch: it must end well within the lease.
const BATCH: i32 = 100;
const LEASE: Duration = Duration::from_secs(30);
/// How long an event waits if nobody wakes the relay.
const POLL: Duration = Duration::from_millis(250);
const EXPIRE_EVERY: Duration = Duration::from_mins(1);
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// Relays until `cancel`. `wake` shortens the wait for the next look: notify it after a commit that wrote an event.
///
/// An event of a routing key that somebody must consume, but whose queue was never declared, waits in the outbox; for the
/// other keys "nobody listens" is a good end (see `needs_a_queue`).
pub async fn run(db: Db, publisher: Publisher, cancel: CancellationToken, wake: Arc<Notify>) {
    let relaying = relay(&db, &publisher, &cancel, &wake);
    tokio::join!(relaying, keep_house(&db, &cancel));
}

async fn relay(db: &Db, publisher: &Publisher, cancel: &CancellationToken, wake: &Notify) {
    let mut backoff = Backoff::default();
    while !cancel.is_cancelled() {
        // Nothing is claimed without a broker, so that the leases and attempts of events mean something.
        if !publisher.connected() {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = publisher.health().wait_connected() => {}
            }
            continue;
        }
        match relay_batch(db, publisher).await {
            Ok(Batch::Full) => backoff.reset(),
            Ok(Batch::Last) => {
                backoff.reset();
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = wake.notified() => {}
                    () = sleep(POLL) => {}
                }
            }
            Ok(Batch::Outage) => pause(&mut backoff, cancel).await,
            Err(error) => {
                tracing::warn!(error = %db::causes::chain(&error), "the outbox relay could not reach the outbox: {error}");
                pause(&mut backoff, cancel).await;
            }
        }
    }
}

/// At least as long as between two looks, growing to the back-off's cap (5 s).
async fn pause(backoff: &mut Backoff, cancel: &CancellationToken) {
    tokio::select! {
        () = cancel.cancelled() => {}
        () = sleep(backoff.next().max(POLL)) => {}
    }
}

/// How a batch went.
#[derive(Debug, PartialEq, Eq)]
enum Batch {
    /// There may be more.
    Full,
    /// That was all for now.
    Last,
    /// The broker is away.
    Outage,
}

async fn relay_batch(db: &Db, publisher: &Publisher) -> Result<Batch, DbError> {
    // No connection is held while publishing.
    let claimed = outbox::claim_all_orgs(&db.conn("bus.outbox_claim").await?, BATCH, LEASE).await?;
    if claimed.is_empty() {
        return Ok(Batch::Last);
    }
    let full = claimed.len() == BATCH as usize;
    let tried = join_all(claimed.into_iter().map(|event| publish(publisher, event))).await;
    report_refused(&tried);
    let outage = tried.iter().any(|(_, fate)| *fate == Fate::ReturnNow);
    let settled: Vec<_> = tried
        .into_iter()
        .filter_map(|(event, fate)| match fate {
            Fate::Published => Some((event, true)),
            Fate::ReturnNow => Some((event, false)),
            Fate::WaitForLease(_) => None,
        })
        .collect();
    outbox::settle_all_orgs(&db.conn("bus.outbox_settle").await?, &settled).await?;
    Ok(match (outage, full) {
        (true, _) => Batch::Outage,
        (false, true) => Batch::Full,
        (false, false) => Batch::Last,
    })
}

/// What becomes of a claimed event.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Published,
    /// This replica's link failed: another may take it at once.
    ReturnNow,
    /// The event itself was refused: kept claimed until its lease runs out, so that it does not stand before others.
    WaitForLease(String),
}

async fn publish(publisher: &Publisher, event: ClaimedEvent) -> (ClaimedEvent, Fate) {
    let outcome = match Message::of_stored(event.event_id, &event.routing_key, &event.envelope) {
        Ok(message) => publisher.send(message).await,
        Err(error) => Err(error.into()),
    };
    let fate = fate(&event.routing_key, &outcome);
    let label = match (&outcome, &fate) {
        (Ok(()), _) => "published",
        (Err(_), Fate::Published) => "no_consumer",
        (Err(error), _) => error.outcome(),
    };
    metrics::relayed(label);
    (event, fate)
}

/// One line for a batch: the same events come again every half minute.
fn report_refused(tried: &[(ClaimedEvent, Fate)]) {
    let refused = || {
        tried.iter().filter_map(|(event, fate)| match fate {
            Fate::WaitForLease(reason) => Some((event.event_id, reason)),
            Fate::Published | Fate::ReturnNow => None,
        })
    };
    if let Some((id, reason)) = refused().next() {
        let events = refused().count();
        tracing::warn!(event.id = %id, events, reason, "{events} events stay in the outbox, {id} because {reason}");
    }
}

fn fate(routing_key: &str, outcome: &Result<(), PublishError>) -> Fate {
    match outcome {
        Ok(()) => Fate::Published,
        Err(PublishError::Unroutable { .. }) if !needs_a_queue(routing_key) => Fate::Published,
        Err(error) if error.is_outage() => Fate::ReturnNow,
        Err(error) => Fate::WaitForLease(error.to_string()),
    }
}

/// Whether an event of this routing key must reach a queue.
///
/// Deployments are evaluated by alerting, whose durable queue exists from its first start on: until then they wait.
/// The others speak to whoever listens at the moment (caches, open dashboards), so that nobody listening is no failure;
/// neither is a key of a newer version, whose consumers this one does not know.
fn needs_a_queue(routing_key: &str) -> bool {
    let known = RoutingKey::ALL
        .into_iter()
        .find(|key| key.as_str() == routing_key);
    match known {
        Some(RoutingKey::DeploymentChanged) => true,
        Some(
            RoutingKey::LogsCounted
            | RoutingKey::IncidentChanged
            | RoutingKey::RuleChanged
            | RoutingKey::KeyRevoked,
        )
        | None => false,
    }
}

/// Deletes what was published long ago, and measures what waits.
async fn keep_house(db: &Db, cancel: &CancellationToken) {
    let mut expire = interval_at(Instant::now() + EXPIRE_EVERY, EXPIRE_EVERY);
    let mut measure = interval(MEASURE_EVERY);
    expire.set_missed_tick_behavior(MissedTickBehavior::Delay);
    measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let outcome = tokio::select! {
            () = cancel.cancelled() => return,
            _ = expire.tick() => expire_old(db).await,
            _ = measure.tick() => measure_backlog(db).await,
        };
        if let Err(error) = outcome {
            tracing::debug!(error = %db::causes::chain(&error), "the outbox was not tidied: {error}");
        }
    }
}

async fn expire_old(db: &Db) -> Result<(), DbError> {
    let expired = outbox::expire_all_orgs(&db.conn("bus.outbox_expire").await?).await?;
    if expired > 0 {
        tracing::debug!(expired, "deleted {expired} published outbox events");
    }
    Ok(())
}

async fn measure_backlog(db: &Db) -> Result<(), DbError> {
    let (events, oldest_seconds) = outbox::backlog_all_orgs(&db.conn("bus.outbox_backlog").await?).await?;
    metrics::outbox_backlog(events, oldest_seconds);
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn unroutable() -> Result<(), PublishError> {
        Err(PublishError::Unroutable {
            routing_key: "any".into(),
        })
    }

    #[rstest]
    #[case("deployment.changed", Ok(()), "Published")]
    #[case("deployment.changed", unroutable(), "WaitForLease")]
    #[case("incident.changed", unroutable(), "Published")]
    #[case("rule.changed", unroutable(), "Published")]
    #[case("key.revoked", unroutable(), "Published")]
    #[case("thing.of_tomorrow", unroutable(), "Published")]
    #[case("rule.changed", Err(PublishError::Refused), "WaitForLease")]
    #[case("rule.changed", Err(PublishError::Malformed("too long".into())), "WaitForLease")]
    #[case("rule.changed", Err(PublishError::Unavailable), "ReturnNow")]
    #[case(
        "rule.changed",
        Err(PublishError::Deadline(Duration::from_secs(5))),
        "ReturnNow"
    )]
    fn what_becomes_of_an_event(
        #[case] routing_key: &str,
        #[case] outcome: Result<(), PublishError>,
        #[case] expected: &str,
    ) {
        let fate = format!("{:?}", fate(routing_key, &outcome));
        assert_eq!(fate.split('(').next(), Some(expected));
    }
}
