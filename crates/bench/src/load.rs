//! Sends prepared bodies over keep-alive connections, as fast as they are answered or at a given rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use hdrhistogram::Histogram;

/// One request, ready to send.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) key: Arc<str>,
    pub(crate) body: Bytes,
    pub(crate) lines: usize,
}

pub(crate) struct Outcome {
    pub(crate) lines: usize,
    pub(crate) elapsed: Duration,
    /// From sending to the whole answer, in microseconds.
    pub(crate) latency: Histogram<u64>,
}

impl Outcome {
    pub(crate) fn lines_per_second(&self) -> f64 {
        self.lines as f64 / self.elapsed.as_secs_f64()
    }

    /// In milliseconds.
    pub(crate) fn latency_ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// How the requests follow one another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Each connection sends its next request when the one before was answered.
    AsFastAsAnswered,
    /// All connections together send so many lines a second; a late answer counts from when its request was due, so
    /// that a stall is not hidden (no coordinated omission).
    LinesPerSecond(f64),
}

/// Sends all requests once over `connections` connections. Any answer but 200 ends the run with an error.
pub(crate) async fn run(
    base: &str,
    requests: Arc<Vec<Request>>,
    connections: usize,
    pace: Pace,
) -> anyhow::Result<Outcome> {
    let url: Arc<str> = format!("{base}/api/v1/logs/ingest").into();
    let next = Arc::new(AtomicUsize::new(0));
    // Before the clock starts: making sixty-four takes a tenth of a second, by which the first requests would be late.
    let clients = (0..connections)
        .map(|_| client())
        .collect::<anyhow::Result<Vec<_>>>()?;
    let started = Instant::now();
    let workers = clients.into_iter().map(|client| {
        let worker = Worker {
            client,
            url: url.clone(),
            requests: requests.clone(),
            next: next.clone(),
            started,
            pace,
        };
        tokio::spawn(worker.run())
    });
    let mut outcome = Outcome {
        lines: 0,
        elapsed: Duration::ZERO,
        latency: Histogram::new(3)?,
    };
    for worker in workers.collect::<Vec<_>>() {
        let (lines, latency) = worker.await??;
        outcome.lines += lines;
        outcome.latency.add(&latency)?;
    }
    outcome.elapsed = started.elapsed();
    Ok(outcome)
}

/// A client of its own is a connection of its own.
fn client() -> anyhow::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .pool_max_idle_per_host(1)
        .http1_only()
        .no_proxy();
    Ok(builder.build()?)
}

struct Worker {
    client: reqwest::Client,
    url: Arc<str>,
    requests: Arc<Vec<Request>>,
    next: Arc<AtomicUsize>,
    started: Instant,
    pace: Pace,
}

impl Worker {
    async fn run(self) -> anyhow::Result<(usize, Histogram<u64>)> {
        let mut latency = Histogram::new(3)?;
        let mut lines = 0;
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = self.requests.get(index) else {
                return Ok((lines, latency));
            };
            let due = self.due(index, request.lines);
            tokio::time::sleep_until(due.into()).await;
            self.send(request).await?;
            latency.record(due.elapsed().as_micros() as u64)?;
            lines += request.lines;
        }
    }

    fn due(&self, index: usize, lines: usize) -> Instant {
        match self.pace {
            Pace::AsFastAsAnswered => Instant::now(),
            Pace::LinesPerSecond(rate) => {
                self.started + Duration::from_secs_f64((index * lines) as f64 / rate)
            }
        }
    }

    async fn send(&self, request: &Request) -> anyhow::Result<()> {
        let response = self
            .client
            .post(&*self.url)
            .header("X-API-Key", &*request.key)
            .header("Content-Type", "application/json")
            .body(request.body.clone())
            .send()
            .await
            .context("ingest did not answer")?;
        let status = response.status();
        let answer = response.bytes().await?;
        if status != reqwest::StatusCode::OK {
            bail!("ingest answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(())
    }
}
