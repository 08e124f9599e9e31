//! The schema keeps its promises: tenancy, least privilege, migrations that many may start.

mod catalogue;
mod migrations;
mod tenancy;
