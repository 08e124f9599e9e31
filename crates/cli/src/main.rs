//! `sightline`: search, follow, count, export and send log lines from a terminal or a script.

mod api;
mod args;
mod commands;
mod config;
mod failure;
mod output;
mod times;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Args;
use crate::config::Environment;

fn main() -> ExitCode {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = Args::parse();
    let environment = Environment::of_process();
    let runtime = tokio::runtime::Runtime::new();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(commands::run(args, &environment));
            // A thread that waits for standard input must not hold up the exit.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
