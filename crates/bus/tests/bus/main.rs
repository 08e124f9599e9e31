//! The bus against a real RabbitMQ, with the network between them broken on purpose.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, a panic is the error"
)]

mod alarms_and_restarts;
mod broadcasts;
mod consuming;
mod hints;
mod outages;
mod outbox;
mod publishing;
mod support;
