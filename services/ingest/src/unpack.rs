//! From the bytes of a request to a batch: decompressing, splitting and reading, off the event loop when it takes long.

use std::sync::Arc;
use std::thread;

use domain::log_record::{self, LineError, LineRules};
use domain::scope::Scope;
use logstore::writer::Batch;
use serde::{Deserialize, Serialize};
use service_kit::ApiError;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use crate::body::Body;
use crate::config::Limits;
use crate::encoding::Encoding;
use crate::format::Format;
use crate::lines::Lines;

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

/// A request's lines, sorted into those that can be stored and those that cannot.
pub(crate) struct Unpacked {
    pub(crate) batch: Batch,
    pub(crate) rejected: Vec<RejectedLine>,
}

/// A body whose lines were found, with what it holds of the process's memory.
pub(crate) struct Split {
    pub(crate) lines: Lines,
    _held: logstore::budget::Reservation,
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

    /// Decompresses a body and finds its lines.
    pub(crate) async fn split(
        &self,
        body: Body,
        encoding: Encoding,
        format: Format,
        limits: Limits,
    ) -> Result<Split, ApiError> {
        let light = match encoding {
            Encoding::Identity => LIGHT_BYTES,
            Encoding::Gzip | Encoding::Zstd => LIGHT_COMPRESSED_BYTES,
        };
        let is_light = body.bytes.len() <= light;
        self.work(is_light, move || {
            let body = encoding.decode(body, limits.max_decompressed_bytes)?;
            let lines = Lines::of(body.bytes, format, limits.max_lines_per_request)?;
            Ok(Split {
                lines,
                _held: body.held,
            })
        })
        .await?
    }

    /// Reads the lines. `finish` gets them with the body they came from, which is given up afterwards.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        split: Split,
        rules: LineRules,
        scope: Scope,
        finish: impl FnOnce(&Lines, Unpacked) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let is_light = split.lines.body().len() <= LIGHT_BYTES;
        self.work(is_light, move || {
            let unpacked = read_lines(&split.lines, &rules, scope);
            finish(&split.lines, unpacked)
        })
        .await
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

fn read_lines(lines: &Lines, rules: &LineRules, scope: Scope) -> Unpacked {
    let mut unpacked = Unpacked {
        batch: Batch::new(scope, rules.retention),
        rejected: Vec::new(),
    };
    for (index, json) in lines.iter() {
        if let Err(LineError { field, reason }) = read_line(json, rules, &mut unpacked.batch) {
            unpacked.rejected.push(RejectedLine { index, field, reason });
        }
    }
    unpacked
}

fn read_line(json: &[u8], rules: &LineRules, batch: &mut Batch) -> Result<(), LineError> {
    let line = log_record::parse(json, rules)?;
    batch.push(&line).map_err(|full| LineError {
        field: String::new(),
        reason: full.to_string(),
    })
}
