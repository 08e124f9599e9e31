//! From the bytes of a request to a batch: decompressing, splitting and reading, off the event loop when it takes long.

use std::fmt;
use std::sync::Arc;
use std::thread;

use actix_web::web::Bytes;
use domain::destination::Destination;
use domain::log_record::{self, LineError, LineRules};
use logstore::budget::Reservation;
use serde::{Deserialize, Serialize};
use service_kit::ApiError;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use crate::body::{self, Body};
use crate::config::Limits;
use crate::encoding::Encoding;
use crate::line::Line;
use crate::routing::{MAX_DESTINATIONS, Routes, Sorted, Sorter, Wish};

/// A line that was not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RejectedLine {
    /// Position in the array, or the line of an NDJSON body, from 0.
    #[schema(example = 3)]
    pub(crate) index: u32,
    /// Which field is wrong; empty when it is the line as a whole.
    #[schema(example = "level")]
    pub(crate) field: String,
    /// What would be right.
    #[schema(example = "a level is one of trace, debug, info, warn, error, fatal")]
    pub(crate) reason: String,
}

impl fmt::Display for RejectedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, field, reason } = self;
        let space = if field.is_empty() { "" } else { " " };
        write!(f, "line {index}: {field}{space}{reason}")
    }
}

/// A body whose lines were found by its protocol. They are counted before tokens are taken for them, and read after.
pub(crate) trait Records: Send + 'static {
    /// What is needed of the body for the answer.
    type Outline: Send + 'static;

    fn count(&self) -> u32;

    /// The body after decompression.
    fn body(&self) -> &[u8];

    /// Where the lines want to go, each place once and so many at most. Asked only for a key that lets them.
    fn destinations(&self, _rules: &LineRules, _most: usize) -> Vec<Destination> {
        Vec::new()
    }

    /// Hands each line over, or says why it is none.
    fn read_into(&self, sink: &mut Sink<'_>);

    fn into_outline(self) -> Self::Outline;
}

/// A request's lines, sorted into those that can be stored and those that cannot.
pub(crate) struct Unpacked {
    pub(crate) sorted: Sorted,
    pub(crate) rejected: Vec<RejectedLine>,
}

/// A body whose lines were found, with what it holds of the process's memory.
pub(crate) struct Split<R> {
    records: R,
    destinations: Vec<Destination>,
    held: Reservation,
}

impl<R: Records> Split<R> {
    pub(crate) fn count(&self) -> u32 {
        self.records.count()
    }

    /// Where its lines want to go.
    pub(crate) fn take_destinations(&mut self) -> Vec<Destination> {
        std::mem::take(&mut self.destinations)
    }
}

/// Takes the lines of one request, one after another.
pub(crate) struct Sink<'r> {
    rules: &'r LineRules,
    sorter: Sorter,
    rejected: Vec<RejectedLine>,
    /// Where lines are written down; one allocation for all.
    text: Vec<u8>,
    room: Room,
}

/// What lines may take in memory beyond the body they came in: protocols state once what holds for many lines, and a small
/// body could so become a large batch.
struct Room {
    held: Reservation,
    written: usize,
    max_bytes: usize,
    full: Option<ApiError>,
}

/// What more is taken of the process's share at a time.
const STEP: usize = 64 * 1024;

impl Room {
    fn take(&mut self, bytes: usize) -> bool {
        self.written += bytes;
        if self.written > self.max_bytes {
            let max_bytes = self.max_bytes;
            self.full.get_or_insert(ApiError::PayloadTooLarge(format!(
                "the lines, each with what the request says of all, are longer than {max_bytes} bytes; send fewer lines \
                 a request"
            )));
        } else if self.written > self.held.amount()
            && !self.held.grow((self.written - self.held.amount()).max(STEP))
        {
            self.full.get_or_insert_with(body::busy);
        }
        self.full.is_none()
    }
}

impl Sink<'_> {
    /// Takes a line from its JSON text in our own form.
    pub(crate) fn json(&mut self, index: u32, json: &[u8]) {
        let rules = LineRules {
            retention: self.sorter.retention(),
            ..*self.rules
        };
        if let Err(LineError { field, reason }) = read_line(json, &rules, &mut self.sorter) {
            self.refuse(index, field, reason);
        }
    }

    /// Where the lines want to go that come from now on.
    pub(crate) fn turn_to(&mut self, wish: &Wish) {
        self.sorter.turn_to(wish);
    }

    /// Takes a line that another protocol brought.
    pub(crate) fn line(&mut self, index: u32, line: &Line<'_>) {
        if self.is_full() {
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        match serde_json::to_writer(&mut text, line) {
            Ok(()) if self.room.take(text.len()) => self.json(index, &text),
            Ok(()) => {}
            Err(error) => self.refuse(index, "", error.to_string()),
        }
        self.text = text;
    }

    pub(crate) fn refuse(&mut self, index: u32, field: impl Into<String>, reason: impl Into<String>) {
        self.rejected.push(RejectedLine {
            index,
            field: field.into(),
            reason: reason.into(),
        });
    }

    /// Nothing more is taken: the request is refused as a whole.
    pub(crate) fn is_full(&self) -> bool {
        self.room.full.is_some()
    }

    pub(crate) fn rules(&self) -> &LineRules {
        self.rules
    }
}

/// Where heavy bodies are worked on: as many at a time as there are cores, so that they neither stop the event loops nor
/// take memory without a bound. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Workshop(Arc<Semaphore>);

/// Below this many bytes the work takes less than handing it over is worth; about 1 ms.
const LIGHT_BYTES: usize = 64 * 1024;
/// A compressed body may grow a thousandfold.
const LIGHT_COMPRESSED_BYTES: usize = 4 * 1024;

impl Workshop {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self(Arc::new(Semaphore::new(cores)))
    }

    /// Decompresses a body and finds its lines; with `asked`, also where they want to go.
    pub(crate) async fn split<R: Records>(
        &self,
        body: Body,
        encoding: Encoding,
        limits: Limits,
        asked: Option<LineRules>,
        take_apart: impl FnOnce(Bytes, usize) -> Result<R, ApiError> + Send + 'static,
    ) -> Result<Split<R>, ApiError> {
        let light = match encoding {
            Encoding::Identity => LIGHT_BYTES,
            Encoding::Gzip | Encoding::Zstd | Encoding::Snappy => LIGHT_COMPRESSED_BYTES,
        };
        let is_light = body.bytes.len() <= light;
        self.work(is_light, move || {
            let body = encoding.decode(body, limits.max_decompressed_bytes)?;
            let records = take_apart(body.bytes, limits.max_lines_per_request)?;
            let destinations = asked.map(|rules| records.destinations(&rules, MAX_DESTINATIONS));
            Ok(Split {
                records,
                destinations: destinations.unwrap_or_default(),
                held: body.held,
            })
        })
        .await?
    }

    /// Reads the lines. `finish` gets them with the body they came from, which is given up afterwards.
    pub(crate) async fn read<R: Records, T: Send + 'static>(
        &self,
        split: Split<R>,
        rules: LineRules,
        routes: Routes,
        limits: Limits,
        finish: impl FnOnce(R, Unpacked) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let Split { records, held, .. } = split;
        let is_light = records.body().len() <= LIGHT_BYTES;
        self.work(is_light, move || {
            let mut sink = Sink {
                rules: &rules,
                sorter: Sorter::new(routes),
                rejected: Vec::new(),
                text: Vec::new(),
                room: Room {
                    held,
                    written: 0,
                    max_bytes: limits.max_decompressed_bytes,
                    full: None,
                },
            };
            records.read_into(&mut sink);
            if let Some(error) = sink.room.full {
                return Err(error);
            }
            let unpacked = Unpacked {
                sorted: sink.sorter.finish().map_err(ApiError::internal)?,
                rejected: sink.rejected,
            };
            Ok(finish(records, unpacked))
        })
        .await?
    }

    async fn work<T: Send + 'static>(
        &self,
        is_light: bool,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        if is_light {
            return Ok(job());
        }
        // The semaphore is never closed.
        let place = Arc::clone(&self.0)
            .acquire_owned()
            .await
            .map_err(ApiError::internal)?;
        let job = move || {
            let _place = place;
            job()
        };
        spawn_blocking(job).await.map_err(ApiError::internal)
    }
}

fn read_line(json: &[u8], rules: &LineRules, sorter: &mut Sorter) -> Result<(), LineError> {
    let line = log_record::parse(json, rules)?;
    sorter.push(&line).map_err(|full| LineError {
        field: String::new(),
        reason: full.to_string(),
    })
}

/// Reading without a service around it, for the tests of protocols.
#[cfg(test)]
pub(crate) mod testing {
    use db::log_routes::LogRoute;
    use domain::ids::{EnvironmentId, OrgId, ServiceId};
    use domain::scope::Scope;
    use logstore::budget::Budget;
    use time::macros::datetime;

    use super::*;

    pub(crate) const RULES: LineRules = LineRules {
        max_message_bytes: 1_048_576,
        retention: time::Duration::days(30),
        now: datetime!(2026-11-22 12:00 UTC),
    };

    /// How many lines are good, and what is wrong with the others; or the error of the whole.
    pub(crate) fn read(
        records: &impl Records,
        max_bytes: usize,
    ) -> Result<(usize, Vec<RejectedLine>), ApiError> {
        let scope = Scope {
            org_id: OrgId::generate(),
            service_id: ServiceId::generate(),
            environment_id: EnvironmentId::generate(),
        };
        let routes = Routes::home_only(LogRoute {
            scope,
            retention: RULES.retention,
        });
        let mut sink = Sink {
            rules: &RULES,
            sorter: Sorter::new(routes),
            rejected: Vec::new(),
            text: Vec::new(),
            room: Room {
                held: Budget::new(1 << 30).reserve(scope.org_id, 0).unwrap(),
                written: 0,
                max_bytes,
                full: None,
            },
        };
        assert!(records.destinations(&RULES, 2).len() <= 2);
        records.read_into(&mut sink);
        if let Some(error) = sink.room.full {
            return Err(error);
        }
        let good = records.count() as usize - sink.rejected.len();
        let stored = sink.sorter.finish().map_err(ApiError::internal)?.batches;
        assert_eq!(stored.is_none(), good == 0, "a line was lost");
        Ok((good, sink.rejected))
    }
}
