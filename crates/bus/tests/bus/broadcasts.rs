use bus::{Broadcast, subscribe_broadcast};
use domain::events::RoutingKey;
use testkit::{Proxy, TestBroker};
use tokio_util::sync::CancellationToken;

use crate::support::{Seen, config, publish_surely, publisher, rule_changed, within};

fn listener(seen: &Seen<Broadcast>) -> impl Fn(Broadcast) -> std::future::Ready<()> + Send + Sync + 'static {
    let seen = seen.clone();
    move |broadcast| {
        seen.add(broadcast);
        std::future::ready(())
    }
}

#[tokio::test]
async fn every_replica_gets_every_event() {
    let broker = TestBroker::create().await;
    let config = config(&broker.amqp_url());
    let publisher = publisher(&config).await;
    let stop = CancellationToken::new();
    let replicas = [Seen::new(), Seen::new(), Seen::new()];
    let subscriptions: Vec<_> = replicas
        .iter()
        .map(|seen| {
            subscribe_broadcast(
                &config,
                "cache",
                [RoutingKey::RuleChanged],
                stop.clone(),
                listener(seen),
            )
        })
        .collect();
    for (subscription, seen) in subscriptions.iter().zip(&replicas) {
        within(subscription.health().wait_connected()).await;
        assert_eq!(
            seen.next().await,
            Broadcast::Gap,
            "whatever was cached before is not to be trusted"
        );
    }
    let sent = rule_changed();
    publisher.publish(&sent).await.unwrap();
    for seen in &replicas {
        assert_eq!(seen.next().await, Broadcast::Event(sent.clone()));
    }
    stop.cancel();
    for subscription in subscriptions {
        within(subscription.stopped()).await;
    }
    assert_eq!(
        broker.queue_names().await,
        Vec::<String>::new(),
        "the queues went with their connections"
    );
}

#[tokio::test]
async fn a_replica_that_was_cut_off_is_told_of_the_gap() {
    let broker = TestBroker::create().await;
    let (proxy, url) = Proxy::in_front_of(&broker.amqp_url()).await;
    let publisher = publisher(&config(&broker.amqp_url())).await;
    let seen = Seen::new();
    let stop = CancellationToken::new();
    let keys = [RoutingKey::RuleChanged];
    let subscription = subscribe_broadcast(&config(&url), "cache", keys, stop.clone(), listener(&seen));
    assert_eq!(seen.next().await, Broadcast::Gap);
    proxy.cut();
    testkit::eventually(crate::support::PATIENCE, "the loss noticed", async || {
        if subscription.connected() {
            Err("still connected")
        } else {
            Ok(())
        }
    })
    .await;
    proxy.pass();
    assert_eq!(seen.next().await, Broadcast::Gap);
    let sent = rule_changed();
    publish_surely(&publisher, &sent).await;
    assert_eq!(seen.next().await, Broadcast::Event(sent));
    stop.cancel();
    within(subscription.stopped()).await;
}

#[tokio::test]
async fn a_handler_that_panics_is_called_again_for_the_next_event() {
    let broker = TestBroker::create().await;
    let config = config(&broker.amqp_url());
    let publisher = publisher(&config).await;
    let (seen, bad) = (Seen::new(), rule_changed());
    let (remember, bad_id) = (seen.clone(), bad.event_id);
    let stop = CancellationToken::new();
    let handler = move |broadcast: Broadcast| {
        let is_bad = matches!(&broadcast, Broadcast::Event(envelope) if envelope.event_id == bad_id);
        remember.add(broadcast);
        assert!(!is_bad, "this one panics");
        std::future::ready(())
    };
    let subscription =
        subscribe_broadcast(&config, "cache", [RoutingKey::RuleChanged], stop.clone(), handler);
    assert_eq!(seen.next().await, Broadcast::Gap);
    let good = rule_changed();
    publisher.publish(&bad).await.unwrap();
    publisher.publish(&good).await.unwrap();
    assert_eq!(seen.next().await, Broadcast::Event(bad));
    assert_eq!(seen.next().await, Broadcast::Event(good));
    stop.cancel();
    within(subscription.stopped()).await;
}
