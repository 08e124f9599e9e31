//! Errors as one line of our own log.

use std::error::Error;

/// An error with its causes. The detail that PostgreSQL adds is left out: it repeats customers' lines.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = match error.downcast_ref::<tokio_postgres::error::DbError>() {
            Some(error) => format!("{} {}", error.code().code(), error.message()),
            None => error.to_string(),
        };
        text.push_str(": ");
        text.push_str(&words);
        cause = error.source();
    }
    text
}
