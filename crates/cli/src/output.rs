//! How answers look: as text for people, as NDJSON for programs.

pub(crate) mod fields;
pub(crate) mod harmless;
pub(crate) mod line;
pub(crate) mod notice;
pub(crate) mod pointer;
pub(crate) mod style;
pub(crate) mod table;
