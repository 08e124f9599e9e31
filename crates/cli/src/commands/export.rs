//! `sightline export`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use reqwest::Response;
use tempfile::NamedTempFile;

use crate::api::{Api, ApiFailure};
use crate::args::{ExportArgs, ExportFormat};
use crate::config::Environment;
use crate::output::notice::{self, Progress};

pub(super) async fn run(args: ExportArgs, environment: &Environment) -> anyhow::Result<()> {
    let api = Api::of(&environment.config()?)?;
    let mut params = args.filter.params();
    params.extend(args.range.params());
    let format = match args.format {
        ExportFormat::Ndjson => "ndjson",
        ExportFormat::Csv => "csv",
    };
    params.push(("format", format.to_owned()));
    if args.oldest {
        params.push(("order", "oldest".to_owned()));
    }
    params.extend(args.limit.map(|limit| ("limit", limit.to_string())));
    // Before the server is asked, which writes down that lines left.
    let mut target = Target::open(args.output.as_deref())?;
    let response = match api.get("/api/logs/export", &params).await {
        Ok(response) => response,
        Err(failure) => return Err(args.filter.explain(failure)),
    };
    let (lines, bytes) = copy(response, &mut target).await?;
    target.finish()?;
    // The first row of CSV holds names. Messages with line breaks take several rows there, so that only NDJSON is counted.
    let amount = match args.format {
        ExportFormat::Ndjson => format!("{} lines, {}", notice::thousands(lines), notice::bytes(bytes)),
        ExportFormat::Csv => notice::bytes(bytes),
    };
    notice::hint(&format!("exported {amount}"));
    Ok(())
}

async fn copy(mut response: Response, target: &mut Target) -> anyhow::Result<(u64, u64)> {
    let mut progress = Progress::new();
    let (mut lines, mut bytes) = (0, 0);
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            progress.clear();
            ApiFailure::BrokeOff(error.without_url())
        });
        let Some(chunk) = chunk? else {
            progress.clear();
            return Ok((lines, bytes));
        };
        target.write(&chunk)?;
        lines += memchr::memchr_iter(b'\n', &chunk).count() as u64;
        bytes += chunk.len() as u64;
        progress.show(|| format!("{} rows, {}", notice::thousands(lines), notice::bytes(bytes)));
    }
}

/// Where the export goes.
enum Target {
    /// Written beside it, and renamed when whole.
    File(NamedTempFile, PathBuf),
    /// Standard output, or what is there and no file: a pipe, a device.
    Stream(Box<dyn Write + Send>, String),
}

impl Target {
    fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::Stream(Box::new(io::stdout()), "standard output".to_owned()));
        };
        let opened = || match std::fs::metadata(path) {
            Ok(there) if !there.is_file() => {
                let stream = std::fs::OpenOptions::new().write(true).open(path)?;
                Ok(Self::Stream(Box::new(stream), path.display().to_string()))
            }
            Ok(_) | Err(_) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let file =
                    NamedTempFile::with_prefix_in(".sightline-export-", folder.unwrap_or(Path::new(".")))?;
                io::Result::Ok(Self::File(file, path.to_owned()))
            }
        };
        opened().with_context(|| format!("cannot write {}", path.display()))
    }

    fn write(&mut self, chunk: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::File(file, path) => file
                .write_all(chunk)
                .with_context(|| format!("cannot write {}", path.display())),
            Self::Stream(stream, name) => stream
                .write_all(chunk)
                .with_context(|| format!("cannot write {name}")),
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::File(file, path) => {
                let kept = || {
                    file.as_file().sync_all()?;
                    file.persist(&path)?;
                    io::Result::Ok(())
                };
                kept().with_context(|| format!("cannot write {}", path.display()))
            }
            Self::Stream(mut stream, name) => stream.flush().with_context(|| format!("cannot write {name}")),
        }
    }
}
