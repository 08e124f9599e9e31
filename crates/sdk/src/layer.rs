//! From `tracing` events to log lines.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::client::Client;
use crate::own_threads;
use crate::record::{Level, Record};

/// Sends `tracing` events as log lines; see [`Client::layer`].
///
/// - The event's message and level are the line's; its target is `meta.target`, all other fields are in `meta` by their
///   names. An event without a message is named by its place in the code.
/// - Fields of the spans around it are added; of the same name the innermost counts, and the event's own before that.
/// - The fields `trace_id` and `request_id` become the line's, and can be searched as such.
///
/// It sends all events that it is given; `with_filter` of [`Layer`] narrows them. What the client's own HTTP
/// connection logs is not sent, whatever the filter says.
#[derive(Clone, Debug)]
pub struct TracingLayer {
    client: Client,
}

impl TracingLayer {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl<S> Layer<S> for TracingLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if own_threads::is_own() {
            return;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        add_to_span(id, &context, fields);
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        add_to_span(id, &context, fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if own_threads::is_own() {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut all = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .iter()
            .rev()
        {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                all.extend(of_span.clone());
            }
        }
        let message = fields.0.remove("message");
        all.extend(fields);
        let record = record(event.metadata(), message, all.0);
        own_threads::as_own(|| {
            self.client.log(record);
        });
    }
}

/// Another layer of this kind may have been here: it adds the same. The fields are read before the lock is taken, since
/// their `Debug` may log.
fn add_to_span<S>(id: &Id, context: &Context<'_, S>, fields: Fields)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<Fields>() {
        Some(before) => before.extend(fields),
        None => extensions.insert(fields),
    }
}

fn record(metadata: &Metadata<'_>, message: Option<Value>, mut fields: Map<String, Value>) -> Record {
    let message = message.map(text).filter(|message| !message.trim().is_empty());
    let message = message.unwrap_or_else(|| metadata.name().to_owned());
    let mut record = Record::new(level(metadata), message);
    if let Some(id) = fields.remove("trace_id") {
        record = record.trace_id(text(id));
    }
    if let Some(id) = fields.remove("request_id") {
        record = record.request_id(text(id));
    }
    // Lines of the crate `log` bring their target and place as fields.
    let target = fields
        .remove("log.target")
        .unwrap_or_else(|| metadata.target().into());
    for name in ["log.module_path", "log.file", "log.line"] {
        fields.remove(name);
    }
    fields.entry("target").or_insert(target);
    record.meta(fields)
}

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::ERROR => Level::Error,
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Recorded values by name; also what is kept with a span.
#[derive(Clone, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    /// Those of the other count before those that are there.
    fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows neither NaN nor infinity.
        match serde_json::Number::from_f64(value) {
            Some(number) => self.set(field, number),
            None => self.set(field, value.to_string()),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.set(field, value),
            Err(_) => self.set(field, value.to_string()),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.set(field, value),
            Err(_) => self.set(field, value.to_string()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        self.set(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
}
