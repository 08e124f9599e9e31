//! What exports look like: lines as bytes, page by page.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service_kit::ApiError;
use utoipa::ToSchema;

use crate::answer::LineView;

#[cfg(feature = "parquet")]
mod parquet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Ndjson,
    Csv,
    Parquet,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::Ndjson => "logs.ndjson",
            Self::Csv => "logs.csv",
            Self::Parquet => "logs.parquet",
        }
    }

    pub(crate) fn encoder(self) -> Result<Encoder, ApiError> {
        match self {
            Self::Ndjson => Ok(Encoder::Ndjson),
            Self::Csv => Ok(Encoder::Csv { has_header: false }),
            #[cfg(feature = "parquet")]
            Self::Parquet => Ok(Encoder::Parquet(Box::new(parquet::File::begin()?))),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => Err(ApiError::invalid(
                "format",
                "parquet is not part of this build; take ndjson or csv, or build query with --features parquet",
            )),
        }
    }
}

/// Turns lines into bytes.
pub(crate) enum Encoder {
    Ndjson,
    Csv {
        has_header: bool,
    },
    #[cfg(feature = "parquet")]
    Parquet(Box<parquet::File>),
}

impl Encoder {
    /// Takes the next lines; what can be sent of them already may be nothing.
    pub(crate) fn add(&mut self, lines: &[LineView]) -> Result<Bytes, ApiError> {
        match self {
            Self::Ndjson => ndjson(lines),
            Self::Csv { has_header } => csv(lines, !std::mem::replace(has_header, true)),
            #[cfg(feature = "parquet")]
            Self::Parquet(file) => file.add(lines),
        }
    }

    /// What stands behind the last line.
    #[cfg_attr(
        not(feature = "parquet"),
        expect(
            clippy::unnecessary_wraps,
            reason = "only Parquet has something to write, which may fail"
        )
    )]
    pub(crate) fn finish(self) -> Result<Bytes, ApiError> {
        match self {
            Self::Ndjson | Self::Csv { .. } => Ok(Bytes::new()),
            #[cfg(feature = "parquet")]
            Self::Parquet(file) => file.finish(),
        }
    }
}

fn ndjson(lines: &[LineView]) -> Result<Bytes, ApiError> {
    let mut out = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut out, line).map_err(|error| ApiError::Internal(error.into()))?;
        out.push(b'\n');
    }
    Ok(out.into())
}

fn csv(lines: &[LineView], with_header: bool) -> Result<Bytes, ApiError> {
    let failed = |error: csv::Error| ApiError::Internal(error.into());
    let mut writer = csv::Writer::from_writer(Vec::new());
    if with_header {
        writer.write_record(LineView::CSV_COLUMNS).map_err(failed)?;
    }
    for line in lines {
        writer.write_record(line.csv_record()).map_err(failed)?;
    }
    writer
        .into_inner()
        .map(Bytes::from)
        .map_err(|error| ApiError::Internal(error.into_error().into()))
}
