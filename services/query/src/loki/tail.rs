//! The lines of a log query as they come, and the newest from before.

use std::sync::Arc;

use db::TenantTx;
use db::scopes::{self, NamedScope};
use domain::logql::{Direction, LogPipeline, Stream, Streams};
use logstore::reader::{Line, Order, Plan};
use service_kit::ApiError;
use time::OffsetDateTime;

use super::lines::{self, Sieve};
use super::places::Places;
use super::{Params, refused};
use crate::app::State;
use crate::tail::Followed;
use crate::time_range::up_to_micros;

/// As Loki has it.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 5_000;

/// What `tail` follows.
pub(crate) struct FollowedLines {
    pipeline: LogPipeline,
    /// The labels of streams apart from those of lines.
    categorized: bool,
    /// The newest of the lines from here on come first, so many.
    start: OffsetDateTime,
    limit: usize,
    now: OffsetDateTime,
}

impl FollowedLines {
    pub(crate) fn read(params: &Params, categorized: bool, now: OffsetDateTime) -> Result<Self, ApiError> {
        if params.get("query").is_none() {
            return Err(refused(
                "query is missing; send a selector such as {service_name=\"api\"}",
            ));
        }
        Ok(Self {
            pipeline: params.pipeline()?,
            categorized,
            start: params.range(now)?.start,
            limit: params.limit("limit", DEFAULT_LIMIT, MAX_LIMIT)?,
            now,
        })
    }
}

impl Followed for FollowedLines {
    type Places = Places;

    fn plan(&self, all: Vec<NamedScope>, state: &State) -> Result<(Plan, Places), ApiError> {
        let places = Places::of(all, &[&self.pipeline]);
        Ok((places.plan(self.start, self.now, 1, state.budget), places))
    }

    fn show(&self, line: Line, places: &Places) -> Result<Option<String>, ApiError> {
        let shown = places.with_line(&line, |line| {
            let processed = self.pipeline.apply(line)?;
            Some(Stream::of_line(line.ts, processed, self.categorized))
        });
        shown.as_ref().map(json).transpose()
    }

    async fn before(&self, tx: &TenantTx<'_>, state: &State) -> Result<Vec<String>, ApiError> {
        let places = Places::of(scopes::list(tx).await?, &[&self.pipeline]);
        let (from, to) = (up_to_micros(self.start), up_to_micros(self.now));
        let plan = Plan {
            order: Order::NewestFirst,
            ..places.plan(from, to, self.limit, state.budget)
        };
        let sieve = Arc::new(Sieve {
            pipeline: self.pipeline.clone(),
            places,
        });
        let streams = Streams::new(Direction::Forward, self.categorized);
        let (streams, _) = lines::pages(&state.reader, tx, plan, self.limit, sieve, streams).await?;
        streams.into_streams().streams.iter().map(json).collect()
    }
}

fn json(stream: &Stream) -> Result<String, ApiError> {
    serde_json::to_string(stream).map_err(|error| ApiError::Internal(error.into()))
}
