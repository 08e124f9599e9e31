//! What GitHub tells us, read as deployments. Pure: a delivery goes in, and either a report about one deployment comes
//! out or the reason why there is none.
//!
//! A delivery is signed by a secret that a tenant holds, so its content is hostile: only the few fields that the rules
//! need are picked out of it (see [`Payload`]), and texts are cleaned and cut.

mod delivery_status;
mod deployment;
mod mapping;
mod payload;
mod reading;
mod repository;
mod workflow_run;

pub use delivery_status::{DeliveryStatus, UnknownDeliveryStatus};
pub use mapping::{EnvironmentMapping, InvalidMapping};
pub use payload::{Payload, PayloadError};
pub use reading::{Ignored, Ping, Reading, Target, read};
pub use repository::{InvalidRepoPart, RepoPart};
