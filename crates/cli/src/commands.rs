//! One module a command.

use std::process::ExitCode;

use crate::args::{Args, Command};
use crate::config::Environment;

mod docs;
mod export;
mod filter;
mod login;
mod logs;
mod rules;
mod send;
pub(crate) mod send_line;
mod stats;
mod tail;

/// Does what was typed.
pub(crate) async fn run(args: Args, environment: &Environment) -> anyhow::Result<ExitCode> {
    let color = args.color;
    match args.command {
        Command::Login(args) => login::run(args, environment).await?,
        Command::Logs(args) => logs::run(args, color, environment).await?,
        Command::Tail(args) => tail::run(args, color, environment).await?,
        Command::Stats(args) => stats::run(args, environment).await?,
        Command::Export(args) => export::run(args, environment).await?,
        Command::Send(args) => return send::run(args, environment).await,
        Command::Rules { command } => return rules::run(command, environment).await,
        Command::Completions { shell } => docs::completions(shell)?,
        Command::Man { dir } => docs::man(dir.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}
