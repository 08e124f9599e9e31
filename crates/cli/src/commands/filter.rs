//! What was typed, as parameters of the API.

use crate::api::{ApiFailure, Params};
use crate::args::{FilterArgs, RangeArgs};
use crate::failure::WrongQuery;
use crate::output::pointer;

impl FilterArgs {
    pub(super) fn params(&self) -> Params {
        let given = [
            ("q", &self.query),
            ("service", &self.service),
            ("environment", &self.env),
            ("level", &self.level),
        ];
        present(given)
    }

    /// Points at the place in the query, if that is what is wrong.
    pub(super) fn explain(&self, failure: ApiFailure) -> anyhow::Error {
        let query = self.query.as_deref().unwrap_or_default();
        match &failure {
            ApiFailure::Refused {
                status: 400,
                field: Some(field),
                text,
                ..
            } if field == "q" => match pointer::mark(query, text) {
                Some(marked) => WrongQuery {
                    message: text.clone(),
                    marked,
                }
                .into(),
                None => failure.into(),
            },
            _ => failure.into(),
        }
    }
}

impl RangeArgs {
    pub(super) fn params(&self) -> Params {
        let from = if self.since.is_some() {
            &self.since
        } else {
            &self.from
        };
        present([("from", from), ("to", &self.to)])
    }
}

fn present<const N: usize>(given: [(&'static str, &Option<String>); N]) -> Params {
    given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
}
