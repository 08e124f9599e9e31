//! `sightline rules`: alert rules as a file.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, ApiFailure};
use crate::args::{RulesCommand, RulesFileArgs};
use crate::config::Environment;
use crate::output::{harmless, notice};

#[derive(Deserialize)]
struct Answer {
    data: Applied,
}

#[derive(Deserialize)]
struct Applied {
    drift: bool,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    name: String,
    action: String,
    differences: Vec<Difference>,
    heartbeat_url: Option<String>,
}

#[derive(Deserialize)]
struct Difference {
    path: String,
    in_force: Value,
    wanted: Value,
}

pub(super) async fn run(command: RulesCommand, environment: &Environment) -> anyhow::Result<ExitCode> {
    let api = Api::of(&environment.config()?)?;
    match command {
        RulesCommand::Apply(args) => {
            let applied = send(&api, &args, false).await?;
            show(&applied)?;
            notice::hint(if applied.drift {
                "applied"
            } else {
                "nothing to change"
            });
            Ok(ExitCode::SUCCESS)
        }
        RulesCommand::Diff(args) => {
            let compared = send(&api, &args, true).await?;
            show(&compared)?;
            if compared.drift {
                return Ok(ExitCode::FAILURE);
            }
            notice::hint("what is in force is what the file says");
            Ok(ExitCode::SUCCESS)
        }
        RulesCommand::Export { output } => {
            export(&api, output.as_deref()).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn send(api: &Api, args: &RulesFileArgs, dry_run: bool) -> anyhow::Result<Applied> {
    let document = read(&args.file)?;
    let body = json!({"document": document, "dry_run": dry_run, "prune": args.prune});
    let answer: Answer = api.post_json("/api/alerts/apply", &body).await?;
    Ok(answer.data)
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .context("standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// A line for each rule that differs, and one below it for each field.
fn show(applied: &Applied) -> anyhow::Result<()> {
    let mut out = String::new();
    for change in &applied.changes {
        let (sign, note) = match change.action.as_str() {
            "create" => ("+", ""),
            "delete" => ("-", ""),
            "change" => ("~", ""),
            "unknown" => ("?", "  (not in the file)"),
            _ => continue,
        };
        writeln!(out, "{sign} {}{note}", harmless::block(&change.name))?;
        for difference in &change.differences {
            let Difference {
                path,
                in_force,
                wanted,
            } = difference;
            let line = format!("    {path}: {in_force} -> {wanted}");
            out.push_str(&harmless::block(&line));
            out.push('\n');
        }
        if let Some(url) = &change.heartbeat_url {
            writeln!(out, "    its job calls {url}, which is not shown again")?;
        }
    }
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}

async fn export(api: &Api, output: Option<&Path>) -> anyhow::Result<()> {
    let response = api.get("/api/alerts/export", &Vec::new()).await?;
    let text = response
        .bytes()
        .await
        .map_err(|error| ApiFailure::BrokeOff(error.without_url()))?;
    match output.filter(|path| *path != Path::new("-")) {
        Some(path) => {
            std::fs::write(path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        None => io::stdout().write_all(&text)?,
    }
    Ok(())
}
