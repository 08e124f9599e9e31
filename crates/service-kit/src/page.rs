//! The shapes of every success: `{"data": …}`, and for lists `next_cursor` beside it.

use domain::page::{Cursor, CursorKey, InvalidCursor, PageLimit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ApiError;

#[derive(Serialize, ToSchema)]
pub struct Data<T: ToSchema> {
    pub data: T,
}

/// One page of a list; `next_cursor` is null at the end.
#[derive(Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T: ToSchema> Page<T> {
    /// Makes a page of rows that were asked for with `limit.probe()`: a row too many means that another page follows.
    pub fn of<R, K: CursorKey>(
        mut rows: Vec<R>,
        limit: PageLimit,
        cursor: impl Fn(&R) -> Cursor<K>,
        view: impl Fn(R) -> T,
    ) -> Self {
        let more = rows.len() > limit.rows();
        rows.truncate(limit.rows());
        let next_cursor = rows.last().filter(|_| more).map(|last| cursor(last).encode());
        Self {
            data: rows.into_iter().map(view).collect(),
            next_cursor,
        }
    }
}

/// The query parameters of every list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    /// Rows a page, 1 to 1000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; absent for the first.
    pub cursor: Option<String>,
}

impl PageParams {
    pub fn limit(&self) -> Result<PageLimit, ApiError> {
        match self.limit {
            None => Ok(PageLimit::DEFAULT),
            Some(rows) => PageLimit::new(rows).map_err(|error| ApiError::invalid("limit", error.to_string())),
        }
    }

    pub fn cursor<K: CursorKey>(&self) -> Result<Option<Cursor<K>>, ApiError> {
        self.cursor
            .as_deref()
            .map(Cursor::decode)
            .transpose()
            .map_err(|error: InvalidCursor| ApiError::invalid("cursor", error.to_string()))
    }
}
