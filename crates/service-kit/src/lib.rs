//! What every Sightline service shares, so that the five look alike: configuration, telemetry, the error envelope,
//! authentication, health, OpenAPI and an orderly stop. It does not know the message broker.

pub mod access;
pub mod body;
pub mod client_ip;
pub mod clock;
pub mod config;
pub mod context;
mod error;
mod health;
pub mod openapi;
pub mod origin;
pub mod page;
pub mod secrets;
pub mod server;
pub mod telemetry;

pub use clock::Clock;
pub use config::CommonConfig;
pub use error::{ApiError, ErrorBody, ErrorContent, FieldError};
pub use page::{Data, Page};
pub use server::{Kit, Running};
