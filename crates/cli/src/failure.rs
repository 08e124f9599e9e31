//! What went wrong, in words and as an exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::api::ApiFailure;
use crate::output::harmless;

/// 0 is success.
pub(crate) const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;

/// What was typed or set is wrong; the text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// A query that the server does not understand, with the place marked.
#[derive(Debug, thiserror::Error)]
#[error("{message}\n{marked}")]
pub(crate) struct WrongQuery {
    pub(crate) message: String,
    /// The query, and a line below that points at the column.
    pub(crate) marked: String,
}

/// Says it on standard error, and gives the exit code. Whoever closed the pipe knows, and is told nothing.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let text = harmless::block(&format!("{error:#}"));
    let _ = writeln!(io::stderr(), "sightline: {text}");
    ExitCode::from(code(error))
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io_error =
        |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref::<io::Error>().map(io::Error::kind);
    // Connections break too, but those errors have the HTTP client's around them.
    !error.chain().any(<dyn std::error::Error>::is::<reqwest::Error>)
        && error
            .chain()
            .any(|cause| io_error(cause) == Some(io::ErrorKind::BrokenPipe))
}

fn code(error: &anyhow::Error) -> u8 {
    let is_usage = error.chain().any(|cause| {
        let is_wrong_request = matches!(
            cause.downcast_ref::<ApiFailure>(),
            Some(ApiFailure::Refused { status: 400, .. })
        );
        cause.is::<Usage>() || cause.is::<WrongQuery>() || is_wrong_request
    });
    if is_usage { USAGE } else { FAILED }
}
