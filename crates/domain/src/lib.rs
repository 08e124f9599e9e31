//! Pure types and rules of Sightline.
//!
//! Nothing here does I/O, awaits, or reads a clock: time comes in as an argument, so that every rule is testable
//! without a server. The one tie to a driver is the `ToSql`/`FromSql` derive of the value types.

pub mod alerting;
pub mod api_key;
pub mod deployment;
pub mod deployment_report;
pub mod destination;
pub mod email;
pub mod events;
pub mod github;
pub mod ids;
pub mod level;
pub mod line_id;
pub mod log_record;
pub mod login_throttle;
pub mod logql;
pub mod name;
pub mod page;
pub mod patterns;
pub mod personal_token;
pub mod query;
pub mod role;
pub mod saved_view;
pub mod scope;
pub mod severity;
pub mod token;
pub mod what_changed;
pub mod words;

mod text_column;
