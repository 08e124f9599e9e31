//! `sightline tail`.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use sse_stream::{Sse, SseByteStream};

use crate::api::{Api, ApiFailure};
use crate::args::{TailArgs, When};
use crate::config::Environment;
use crate::output::line::LineForm;
use crate::output::notice;

/// After a failure; twice as long after each further one, up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

pub(super) async fn run(args: TailArgs, color: When, environment: &Environment) -> anyhow::Result<()> {
    let api = Api::of(&environment.config()?)?;
    let form = LineForm::new(args.form, color, environment);
    let mut tail = Tail {
        api,
        args,
        form,
        last_event: None,
        failures: 0,
        was_connected: false,
    };
    tokio::select! {
        ended = tail.follow() => ended,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

struct Tail {
    api: Api,
    args: TailArgs,
    form: LineForm,
    /// Of the last line, from which a new connection goes on.
    last_event: Option<String>,
    /// In a row.
    failures: u32,
    was_connected: bool,
}

#[derive(Deserialize)]
struct Missed {
    lines: u64,
}

#[derive(Deserialize)]
struct Gap {
    from: String,
    to: String,
}

impl Tail {
    /// Connects again and again; ends with what trying again does not help against.
    async fn follow(&mut self) -> anyhow::Result<()> {
        loop {
            let began = Instant::now();
            let pause = match self.connect().await {
                // The server ends streams now and then, to look again at who may see what.
                Ok(()) if began.elapsed() > LONGEST_PAUSE => Duration::ZERO,
                Ok(()) => SHORTEST_PAUSE,
                Err(error) => {
                    let (pause, why) = self.pause_after(error)?;
                    notice::say(&format!("{why}; trying again"));
                    pause
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// How long to wait before the next try, and why; or the error, if trying again does not help.
    fn pause_after(&mut self, error: anyhow::Error) -> anyhow::Result<(Duration, String)> {
        let (passes, asked) = match error.downcast_ref::<ApiFailure>() {
            Some(ApiFailure::Refused {
                status, retry_after, ..
            }) => (matches!(status, 429 | 500..), *retry_after),
            Some(ApiFailure::Strange { .. } | ApiFailure::Unreachable { .. } | ApiFailure::BrokeOff(_)) => {
                (true, None)
            }
            None => (false, None),
        };
        // Who has just typed it wants to know at once that it does not work.
        if !passes || !self.was_connected {
            return Err(error);
        }
        let pause = SHORTEST_PAUSE * 2_u32.saturating_pow(self.failures.min(10));
        self.failures += 1;
        let pause = pause.min(LONGEST_PAUSE).max(asked.unwrap_or_default());
        Ok((pause, format!("{error:#}")))
    }

    /// One connection, to its end.
    async fn connect(&mut self) -> anyhow::Result<()> {
        let params = self.args.filter.params();
        let response = match self
            .api
            .get_after("/api/logs/tail", &params, self.last_event.as_deref())
            .await
        {
            Ok(response) => response,
            Err(ApiFailure::Refused {
                status: 404, text, ..
            }) if text.starts_with("this route") => {
                anyhow::bail!("this server is too old to follow lines; update it, or use `sightline logs`");
            }
            Err(failure) => return Err(self.args.filter.explain(failure)),
        };
        if self.was_connected && self.last_event.is_none() {
            notice::say(
                "connected again; lines of the moment between are not shown, `sightline logs` finds them",
            );
        }
        self.was_connected = true;
        let mut events = SseByteStream::new(response.bytes_stream());
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.show(event)?,
                Err(sse_stream::Error::Body(error)) => {
                    let failure = error
                        .downcast::<reqwest::Error>()
                        .map(|error| ApiFailure::BrokeOff(error.without_url()));
                    return Err(failure.map_or_else(|error| anyhow::anyhow!(error), Into::into));
                }
                Err(error) => return Err(self.api.strange(&format!("no stream of events ({error})")).into()),
            }
        }
        Ok(())
    }

    fn show(&mut self, event: Sse) -> anyhow::Result<()> {
        self.failures = 0;
        let data = event.data.unwrap_or_default();
        match event.event.as_deref() {
            Some("line") => {
                let line: &RawValue = serde_json::from_str(&data)?;
                let mut text = self.form.write(line)?;
                text.push('\n');
                io::stdout().write_all(text.as_bytes())?;
                // Only what was shown is behind us.
                self.last_event = event.id.or(self.last_event.take());
            }
            Some("missed") => {
                let Missed { lines } = serde_json::from_str(&data)?;
                let lines = notice::thousands(lines);
                notice::say(&format!(
                    "{lines} lines were left out, since they came faster than they were taken; `sightline logs` finds them"
                ));
            }
            Some("gap") => {
                let Gap { from, to } = serde_json::from_str(&data)?;
                notice::say(&format!(
                    "nobody looked between {from} and {to}; `sightline logs --from {from} --to {to}` finds those lines"
                ));
            }
            Some("stalled") => notice::say("the server's database does not answer; it goes on when it does"),
            // No event, but where we are.
            None if event.id.is_some() && data.is_empty() => self.last_event = event.id,
            // Of a newer server, or no event at all but the time to come back.
            Some(_) | None => {}
        }
        Ok(())
    }
}
