//! What travels: an event's JSON as the body, and beside it what the broker's tools and the consumer's span need.

use domain::events::{EXCHANGE, Envelope};
use domain::ids::EventId;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString, ShortStringError};
use uuid::Uuid;

use crate::topology;

/// How often a handler has failed on this message.
const ATTEMPTS: &str = "x-sightline-attempts";
/// Why it was retried or is dead.
const REASON: &str = "x-sightline-reason";
/// What it was first published under; retries travel by queue name.
const ROUTING_KEY: &str = "x-sightline-routing-key";
const CORRELATION_ID: &str = "correlation_id";
const TRACE_ID: &str = "trace_id";

const MAX_REASON_BYTES: usize = 500;
const PERSISTENT: u8 = 2;

/// A message to publish.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
    /// The `key` label of metrics.
    pub(crate) kind: &'static str,
}

/// Why an event cannot be put into a message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("not JSON")]
    Json(#[from] serde_json::Error),
    #[error("routing key: {0}")]
    RoutingKey(#[from] ShortStringError),
}

impl Message {
    pub(crate) fn of_envelope(envelope: &Envelope) -> Result<Self, EncodeError> {
        let routing_key = envelope.event.routing_key().as_str();
        let body = serde_json::to_vec(envelope)?;
        Self::event(
            envelope.event_id,
            routing_key,
            envelope.correlation_id.as_deref(),
            body,
        )
    }

    /// An event as it lies in the outbox, of whatever version.
    pub(crate) fn of_stored(
        event_id: EventId,
        routing_key: &str,
        envelope: &serde_json::Value,
    ) -> Result<Self, EncodeError> {
        let correlation_id = envelope.get("correlation_id").and_then(serde_json::Value::as_str);
        Self::event(
            event_id,
            routing_key,
            correlation_id,
            serde_json::to_vec(envelope)?,
        )
    }

    fn event(
        event_id: EventId,
        routing_key: &str,
        correlation_id: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Self, EncodeError> {
        let mut headers = FieldTable::default();
        headers.insert(TRACE_ID.into(), text(&trace_id(event_id, correlation_id)));
        headers.insert(ROUTING_KEY.into(), text(routing_key));
        if let Some(id) = correlation_id {
            headers.insert(CORRELATION_ID.into(), text(id));
        }
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(event_id.to_string().into())
            .with_headers(headers);
        Ok(Self {
            exchange: EXCHANGE.into(),
            routing_key: ShortString::try_new(routing_key)?,
            properties,
            body,
            kind: kind_of(routing_key),
        })
    }
}

/// The trace that an event belongs to: its request's if the correlation id is one (32 hex digits, with or without
/// hyphens), else one of its own.
fn trace_id(event_id: EventId, correlation_id: Option<&str>) -> String {
    let trace = correlation_id
        .and_then(|id| Uuid::try_parse(id).ok())
        .unwrap_or(event_id.0);
    trace.simple().to_string()
}

fn kind_of(routing_key: &str) -> &'static str {
    let known = domain::events::RoutingKey::ALL
        .into_iter()
        .map(domain::events::RoutingKey::as_str);
    known
        .into_iter()
        .find(|key| *key == routing_key)
        .unwrap_or("other")
}

/// What a delivery says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    properties: BasicProperties,
    body: Vec<u8>,
}

impl Received {
    pub(crate) fn new(properties: BasicProperties, body: Vec<u8>) -> Self {
        Self { properties, body }
    }

    pub(crate) fn envelope(&self) -> Result<Envelope, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// How often a handler has failed on it before.
    pub(crate) fn attempts(&self) -> u32 {
        let attempts = self.header(ATTEMPTS).and_then(AMQPValue::as_long_long_int);
        attempts.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    }

    pub(crate) fn event_id(&self) -> &str {
        self.properties
            .message_id()
            .as_ref()
            .map_or("", ShortString::as_str)
    }

    pub(crate) fn correlation_id(&self) -> String {
        self.text_header(CORRELATION_ID)
    }

    pub(crate) fn trace_id(&self) -> String {
        self.text_header(TRACE_ID)
    }

    fn text_header(&self, name: &str) -> String {
        let value = self.header(name).and_then(AMQPValue::as_long_string);
        value.map(ToString::to_string).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&AMQPValue> {
        self.properties.headers().as_ref()?.inner().get(name)
    }

    /// The same message to a retry queue, from where it comes back.
    pub(crate) fn retried(&self, queue: &str, attempts: u32, reason: &str) -> Message {
        self.sent_on(
            topology::DEFAULT_EXCHANGE,
            queue,
            "retry",
            Some((attempts, reason)),
        )
    }

    /// The same message to the consumer's dead-letter queue.
    pub(crate) fn dead(&self, consumer: &str, attempts: u32, reason: &str) -> Message {
        self.sent_on(
            topology::DEAD_LETTER_EXCHANGE,
            consumer,
            "dead",
            Some((attempts, reason)),
        )
    }

    /// The same message to the consumer's queue, with nothing counted against it.
    pub(crate) fn revived(&self, consumer: &str) -> Message {
        self.sent_on(
            topology::DEFAULT_EXCHANGE,
            &topology::queue(consumer),
            "redrive",
            None,
        )
    }

    fn sent_on(
        &self,
        exchange: &str,
        routing_key: &str,
        kind: &'static str,
        failure: Option<(u32, &str)>,
    ) -> Message {
        let mut headers = self.kept_headers();
        if let Some((attempts, reason)) = failure {
            headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(attempts.into()));
            headers.insert(REASON.into(), text(shortened(reason)));
        }
        Message {
            exchange: exchange.into(),
            routing_key: routing_key.into(),
            properties: self
                .properties
                .clone()
                .with_delivery_mode(PERSISTENT)
                .with_headers(headers),
            body: self.body.clone(),
            kind,
        }
    }

    /// Without the broker's own death records: it would take a message that comes round again for a cycle, and drop it.
    fn kept_headers(&self) -> FieldTable {
        let mut kept = FieldTable::default();
        for (name, value) in self.properties.headers().iter().flat_map(FieldTable::inner) {
            if [CORRELATION_ID, TRACE_ID, ROUTING_KEY].contains(&name.as_str()) {
                kept.insert(name.clone(), value.clone());
            }
        }
        kept
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn shortened(reason: &str) -> &str {
    reason
        .get(..reason.floor_char_boundary(MAX_REASON_BYTES))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use domain::events::Event;
    use domain::ids::{AlertRuleId, OrgId};
    use rstest::rstest;
    use time::OffsetDateTime;

    use super::*;

    fn envelope(correlation_id: Option<&str>) -> Envelope {
        Envelope {
            event_id: EventId(Uuid::from_u128(7)),
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            correlation_id: correlation_id.map(str::to_owned),
            event: Event::RuleChangedV1 {
                org_id: OrgId(Uuid::nil()),
                rule_id: AlertRuleId(Uuid::nil()),
            },
        }
    }

    fn received(message: Message) -> Received {
        Received::new(message.properties, message.body)
    }

    #[test]
    fn an_event_arrives_as_it_was_sent() {
        let sent = envelope(Some("c-1"));
        let message = Message::of_envelope(&sent).unwrap();
        assert_eq!(
            (message.exchange.as_str(), message.routing_key.as_str()),
            (EXCHANGE, "rule.changed")
        );
        assert_eq!(message.properties.delivery_mode(), &Some(PERSISTENT));
        let received = received(message);
        assert_eq!(received.envelope().unwrap(), sent);
        assert_eq!(received.event_id(), sent.event_id.to_string());
        assert_eq!(
            (received.attempts(), received.correlation_id().as_str()),
            (0, "c-1")
        );
    }

    #[test]
    fn a_stored_event_of_an_unknown_version_is_sent_unchanged() {
        let stored = serde_json::json!({"correlation_id": "c-2", "event": {"type": "rule_changed_v9"}});
        let message = Message::of_stored(EventId(Uuid::nil()), "rule.changed", &stored).unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&message.body).unwrap(),
            stored
        );
        assert_eq!(received(message).correlation_id(), "c-2");
    }

    #[rstest]
    #[case(
        Some("0af76519-16cd-43dd-8448-eb211c80319c"),
        "0af7651916cd43dd8448eb211c80319c"
    )]
    #[case(Some("0af7651916cd43dd8448eb211c80319c"), "0af7651916cd43dd8448eb211c80319c")]
    #[case(Some("req-1"), "00000000000000000000000000000007")]
    #[case(None, "00000000000000000000000000000007")]
    fn the_trace_is_the_requests_or_the_events_own(
        #[case] correlation_id: Option<&str>,
        #[case] expected: &str,
    ) {
        let message = Message::of_envelope(&envelope(correlation_id)).unwrap();
        assert_eq!(received(message).trace_id(), expected);
    }

    #[test]
    fn failures_are_counted_in_our_own_header_and_forgotten_by_a_redrive() {
        let first = received(Message::of_envelope(&envelope(Some("c-1"))).unwrap());
        let second = received(first.retried("sightline.x.retry.1000ms", 1, "database away"));
        assert_eq!((second.attempts(), second.correlation_id().as_str()), (1, "c-1"));
        let dead = second.dead("x", 2, "still away");
        assert_eq!(
            (dead.exchange.as_str(), dead.routing_key.as_str()),
            ("sightline.dead", "x")
        );
        let dead = received(dead);
        assert_eq!(dead.attempts(), 2);
        let revived = dead.revived("x");
        assert_eq!(
            (revived.exchange.as_str(), revived.routing_key.as_str()),
            ("", "sightline.x")
        );
        let revived = received(revived);
        assert_eq!((revived.attempts(), revived.trace_id()), (0, first.trace_id()));
        assert_eq!(revived.envelope().unwrap(), first.envelope().unwrap());
    }

    #[test]
    fn the_brokers_death_records_are_not_sent_on() {
        let mut headers = FieldTable::default();
        headers.insert("x-death".into(), text("once"));
        headers.insert("x-first-death-queue".into(), text("sightline.x"));
        let received = Received::new(BasicProperties::default().with_headers(headers), Vec::new());
        assert_eq!(
            received.revived("x").properties.headers(),
            &Some(FieldTable::default())
        );
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let reason = "ä".repeat(400);
        assert_eq!(shortened(&reason).chars().count(), 250);
        assert_eq!(shortened("short"), "short");
    }
}
