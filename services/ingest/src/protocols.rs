//! What other protocols send, turned into lines: a body into records, and each record into a line or a refusal. Nothing
//! here knows of requests or answers; those are in `routes`.

pub(crate) mod datadog;
pub(crate) mod elasticsearch;
pub(crate) mod loki;
pub(crate) mod otlp;
pub(crate) mod splunk;
pub(crate) mod syslog;

mod documents;
mod places;
