//! Logs a small story to a running Sightline, such as that of `make run`:
//!
//!     cargo run -p sightline-sdk --example hello -- http://127.0.0.1:8081 slk_…
//!
//! Without arguments the environment says where: `SIGHTLINE_ENDPOINT` and `SIGHTLINE_API_KEY`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own: it reads its environment and talks to a person"
)]

use std::env;
use std::error::Error;
use std::time::Duration;

use sightline::{Client, Record};
use tracing::{error, info, info_span, warn};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let endpoint = arguments.next().or_else(|| env::var("SIGHTLINE_ENDPOINT").ok());
    let api_key = arguments.next().or_else(|| env::var("SIGHTLINE_API_KEY").ok());
    let (Some(endpoint), Some(api_key)) = (endpoint, api_key) else {
        return Err("usage: hello ENDPOINT API_KEY, or set SIGHTLINE_ENDPOINT and SIGHTLINE_API_KEY".into());
    };

    let client = Client::builder(endpoint, api_key).build()?;
    // Should the story end early, what is in the queue is sent all the same.
    let _flush_at_exit = client.guard(Duration::from_secs(5));
    tracing_subscriber::registry()
        .with(client.layer().with_filter(LevelFilter::INFO))
        .init();

    checkout();
    // Without `tracing`:
    client.log(Record::info("hello from a record").field("answer", 42));

    let flushed = client.flush_blocking(Duration::from_secs(5));
    let stats = client.stats();
    println!(
        "stored {}, waiting {}, dropped {}",
        stats.stored,
        stats.held,
        stats.dropped.total()
    );
    if let Some(error) = stats.last_error {
        println!("last error: {error}");
    }
    Ok(flushed?)
}

fn checkout() {
    let _request = info_span!(
        "request",
        request_id = "req-1",
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
        user = "ada"
    )
    .entered();
    info!(items = 3, "checkout started");
    warn!(attempt = 1, "payment provider is slow");
    error!(order = 4711, cause = "card_declined", "payment failed");
}
