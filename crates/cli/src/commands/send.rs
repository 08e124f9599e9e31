//! `sightline send`.

use std::io::{self, BufRead, Read as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use sightline::{Client, DropReason, Stats};

use crate::args::SendArgs;
use crate::commands::send_line::Defaults;
use crate::config::{Config, Environment};
use crate::failure::{FAILED, Usage};
use crate::output::notice::{self, Progress, thousands};

/// Of one line of input; Sightline takes messages of up to 1 MiB, and a JSON line may hold as much again.
const MAX_LINE_BYTES: u64 = 2 * 1024 * 1024;
/// Read ahead of what is stored, in lines and bytes.
const AHEAD_LINES: u64 = 20_000;
const AHEAD_BYTES: u64 = 16 * 1024 * 1024;
/// Escaped, a line may be several times as long as it was.
const QUEUE_BYTES: usize = 8 * AHEAD_BYTES as usize;
/// Between two looks at what became of the lines.
const LOOK: Duration = Duration::from_millis(200);
/// Wrong lines that are shown; the others are counted.
const SHOWN_WRONG: u64 = 5;

pub(super) async fn run(args: SendArgs, environment: &Environment) -> anyhow::Result<ExitCode> {
    let client = client(&environment.config()?, args.retry_for)?;
    let stop = Arc::new(AtomicBool::new(false));
    let reader = Reader {
        client: client.clone(),
        stop: Arc::clone(&stop),
        defaults: Defaults {
            format: args.format,
            level: args.level,
            fields: args.fields,
        },
        wrong: 0,
        ahead: (0, 0),
    };
    let mut reading = tokio::task::spawn_blocking(move || reader.read(io::stdin().lock()));
    let mut progress = Progress::new();
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let mut was_interrupted = false;
    let read = loop {
        tokio::select! {
            read = &mut reading => break Some(read.context("reading ended early")?),
            _ = &mut interrupt => {
                was_interrupted = true;
                stop.store(true, Ordering::Relaxed);
                break None;
            }
            () = tokio::time::sleep(LOOK) => progress.show(|| underway(&client.stats())),
        }
    };
    // What was read is sent, even if nobody waits for more.
    let patience = if was_interrupted {
        Duration::from_secs(10)
    } else {
        args.retry_for + Duration::from_secs(30)
    };
    let mut ending = std::pin::pin!(client.shutdown(patience));
    let mut second = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            _ = &mut ending => break,
            _ = &mut second => break,
            () = tokio::time::sleep(LOOK) => progress.show(|| underway(&client.stats())),
        }
    }
    progress.clear();
    let (wrong, failure) = match read {
        Some(Ok(wrong)) => (wrong, None),
        Some(Err(error)) => (0, Some(error)),
        None => (0, None),
    };
    let is_whole = report(&client.stats(), wrong);
    match failure {
        Some(error) => Err(error),
        None if is_whole => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::from(FAILED)),
    }
}

fn client(config: &Config, retry_for: Duration) -> anyhow::Result<Client> {
    let lacks =
        |what: &str, variable: &str| Usage(format!("{what}; set {variable}, or its entry in config.toml"));
    let url = config
        .ingest_url
        .as_deref()
        .ok_or_else(|| lacks("no address to send to is known", "SIGHTLINE_INGEST_URL"))?;
    let key = config
        .api_key
        .as_ref()
        .ok_or_else(|| lacks("no API key for this address is known", "SIGHTLINE_API_KEY"))?;
    let built = Client::builder(url, key.0.as_str())
        .queue_max_lines(2 * AHEAD_LINES as usize)
        .queue_max_bytes(QUEUE_BYTES)
        .batch_max_lines(5_000)
        .batch_max_bytes(8 * 1024 * 1024)
        .batch_max_age(Duration::from_millis(500))
        .retry_max_age(retry_for)
        .build();
    built.map_err(|error| Usage(format!("{:#}", anyhow::Error::from(error))).into())
}

/// Reads lines and puts them into the queue, waiting where it is full.
struct Reader {
    client: Client,
    stop: Arc<AtomicBool>,
    defaults: Defaults,
    wrong: u64,
    /// Lines and bytes since everything was stored.
    ahead: (u64, u64),
}

impl Reader {
    /// To the end of the input; how many lines were wrong.
    fn read(mut self, mut input: impl BufRead) -> anyhow::Result<u64> {
        let mut line = Vec::new();
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            line.clear();
            number += 1;
            let length = input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
            if length.context("standard input cannot be read")? == 0 {
                break;
            }
            if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
                input.skip_until(b'\n').context("standard input cannot be read")?;
                self.refuse(number, "is longer than 2 MiB");
                continue;
            }
            self.take(number, &line);
            if !self.wait_for_room() {
                break;
            }
        }
        Ok(self.wrong)
    }

    fn take(&mut self, number: u64, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        match self.defaults.record(text.strip_suffix('\r').unwrap_or(text)) {
            Ok(Some(record)) => {
                self.client.log(record);
                self.ahead = (self.ahead.0 + 1, self.ahead.1 + line.len() as u64);
            }
            Ok(None) => {}
            Err(why) => self.refuse(number, &why),
        }
    }

    fn refuse(&mut self, number: u64, why: &str) {
        self.wrong += 1;
        if self.wrong <= SHOWN_WRONG {
            notice::say(&format!("line {number} {why}"));
        }
    }

    /// `false` if there is no use in going on: the key is refused, or the end was asked for.
    fn wait_for_room(&mut self) -> bool {
        if self.ahead.0 < AHEAD_LINES && self.ahead.1 < AHEAD_BYTES {
            return true;
        }
        // It returns early when all is stored; dropped lines are in the report.
        while self.client.stats().held > 0 {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            let _ = self.client.flush_blocking(LOOK);
        }
        self.ahead = (0, 0);
        let dropped = self.client.stats().dropped;
        let hopeless = [
            DropReason::Unauthorized,
            DropReason::Forbidden,
            DropReason::Refused,
            DropReason::Expired,
        ];
        !hopeless.into_iter().any(|reason| dropped.by(reason) > 0)
    }
}

fn underway(stats: &Stats) -> String {
    let state = format!(
        "{} lines stored, {} under way",
        thousands(stats.stored),
        thousands(stats.held)
    );
    match &stats.last_error {
        Some(error) if stats.held > 0 => format!("{state} ({error})"),
        Some(_) | None => state,
    }
}

/// Says what became of the lines; whether all are stored.
fn report(stats: &Stats, wrong: u64) -> bool {
    let dropped = stats.dropped.total();
    let is_whole = dropped == 0 && stats.held == 0 && wrong == 0;
    let stored = format!("{} lines stored", thousands(stats.stored));
    if is_whole {
        notice::hint(&stored);
        return true;
    }
    let mut parts = vec![stored];
    if wrong > 0 {
        parts.push(format!(
            "{} were no log lines and were not sent",
            thousands(wrong)
        ));
    }
    if stats.held > 0 {
        parts.push(format!("{} were still under way", thousands(stats.held)));
    }
    if dropped > 0 {
        let reasons: Vec<_> = stats
            .dropped
            .iter()
            .filter(|(_, lines)| *lines > 0)
            .map(|(reason, lines)| format!("{reason} {}", thousands(lines)))
            .collect();
        parts.push(format!(
            "{} were not stored ({})",
            thousands(dropped),
            reasons.join(", ")
        ));
    }
    notice::say(&parts.join(", "));
    for rejection in &stats.rejections {
        notice::say(&format!(
            "{} lines: {}",
            thousands(rejection.lines),
            rejection.reason
        ));
    }
    if let Some(error) = stats.last_error.as_deref().filter(|_| dropped > 0) {
        notice::say(&format!("last error: {error}"));
    }
    false
}
