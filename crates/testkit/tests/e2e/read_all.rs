//! Reading everything, page by page and as an export, while lines come and are merged: each line that was there at the start
//! is read once, and it takes no more memory the longer it lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::{Db, DbConfig};
use logstore::compactor::{Compactor, CompactorConfig};
use reqwest::Method;
use serde_json::Value;
use testkit::{Client, Service, Stack, TestDb};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::company::{Company, INGEST};
use crate::load::Load;
use crate::size;

const LINES_OF_A_BATCH: usize = 1_000;
/// Every part of an export comes within this.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the gateway may take beyond what it had taken after a tenth: allocators keep some of what is given back.
const MORE_MEMORY: u64 = 48 << 20;
/// Of what was read before: small, so that it is full early.
const CACHE_BYTES: u64 = 16 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_lines_are_read_once_while_others_come_and_all_are_merged() {
    let lines = size::of(20_000, 1_000_000);
    let stack = Stack::build()
        .only([Service::Identity, Service::Ingest, Service::Query])
        .without(Service::Ingest, "COMPACTOR_DATABASE_URL")
        .env(Service::Query, "SEARCH_CACHE_BYTES", CACHE_BYTES)
        .start()
        .await;
    let company = Company::sign_up(&stack.gateway()).await;
    let application = company.application(&stack);
    store(&application, lines).await;
    // What comes later is there, beside them, and not asked for: it has no end.
    let until = OffsetDateTime::now_utc().format(&Rfc3339).unwrap();
    let load = Load::start(&[application], 1, 7);
    let merging = Merging::start(&stack.db);

    let mut seen = Seen::new(lines);
    let mut memory = Memory::of(&stack, lines);
    let response = company
        .admin
        .request(Method::GET, &format!("/api/logs/export?order=oldest&to={until}"))
        .timeout(Duration::from_mins(10))
        .send();
    export(response.await.unwrap(), &mut seen, &mut memory).await;
    seen.assert_all("the export");
    memory.assert_flat("an export");

    let mut seen = Seen::new(lines);
    let mut memory = Memory::of(&stack, lines);
    pages(&company.admin, &until, &mut seen, &mut memory).await;
    seen.assert_all("the pages");
    memory.assert_flat("paging");

    // First what it merges: as long as more comes, it goes on.
    let books = load.finish().await;
    let merges = merging.stop().await;
    println!(
        "{lines} lines, {} batches and {merges} merges meanwhile",
        books.acknowledged()
    );
    assert!(
        merges > 0 && books.acknowledged() > 0,
        "something went on meanwhile"
    );
}

async fn store(application: &Client, lines: usize) {
    for batch in 0..lines / LINES_OF_A_BATCH {
        let numbers = batch * LINES_OF_A_BATCH..(batch + 1) * LINES_OF_A_BATCH;
        let body: Vec<String> = numbers
            .map(|number| {
                let meta = format!(r#"{{"user":"u{}","ms":{}}}"#, number % 1_000, number % 97);
                format!(r#"{{"message":"line {number} of the beginning","meta":{meta}}}"#)
            })
            .collect();
        let reply = application
            .post_bytes(INGEST, "application/x-ndjson", body.join("\n"))
            .await;
        assert_eq!(reply.data()["accepted"], LINES_OF_A_BATCH);
    }
}

async fn export(mut response: reqwest::Response, seen: &mut Seen, memory: &mut Memory<'_>) {
    assert_eq!(response.status(), 200);
    let mut rest = Vec::new();
    while let Some(chunk) = timeout(PATIENCE, response.chunk()).await.unwrap().unwrap() {
        rest.extend_from_slice(&chunk);
        let end = rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in rest[..end]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            seen.note(&serde_json::from_slice(line).unwrap());
        }
        rest.drain(..end);
        memory.look(seen);
    }
    assert!(rest.is_empty(), "the last line is whole");
}

async fn pages(reader: &Client, until: &str, seen: &mut Seen, memory: &mut Memory<'_>) {
    let mut cursor = String::new();
    loop {
        let reply = reader
            .get(&format!("/api/logs/query?limit=1000&to={until}{cursor}"))
            .await;
        reply
            .data()
            .as_array()
            .unwrap()
            .iter()
            .for_each(|line| seen.note(line));
        memory.look(seen);
        let Some(next) = reply.next_cursor() else { return };
        cursor = format!("&cursor={next}");
    }
}

/// Which lines of the beginning were read.
struct Seen {
    times: Vec<u8>,
    count: usize,
}

impl Seen {
    fn new(lines: usize) -> Self {
        Self {
            times: vec![0; lines],
            count: 0,
        }
    }

    fn note(&mut self, line: &Value) {
        let message = line["message"].as_str().unwrap();
        if let Some(number) = message.strip_prefix("line ") {
            let number: usize = number.split(' ').next().unwrap().parse().unwrap();
            self.times[number] += 1;
            self.count += 1;
        }
    }

    fn assert_all(&self, what: &str) {
        let wrong: Vec<usize> = (0..self.times.len())
            .filter(|number| self.times[*number] != 1)
            .collect();
        assert!(
            wrong.is_empty(),
            "{} lines are not once in {what}, such as {:?}",
            wrong.len(),
            &wrong[..wrong.len().min(5)]
        );
    }
}

/// The most memory that the gateway took.
struct Memory<'s> {
    stack: &'s Stack,
    lines: usize,
    after_a_tenth: Option<u64>,
}

impl<'s> Memory<'s> {
    fn of(stack: &'s Stack, lines: usize) -> Self {
        Self {
            stack,
            lines,
            after_a_tenth: None,
        }
    }

    fn peak(&self) -> Option<u64> {
        self.stack.process(Service::Query, 0).peak_memory()
    }

    fn look(&mut self, seen: &Seen) {
        if self.after_a_tenth.is_none() && seen.count >= self.lines / 10 {
            self.after_a_tenth = self.peak();
        }
    }

    fn assert_flat(&self, what: &str) {
        if let (Some(before), Some(after)) = (self.after_a_tenth, self.peak()) {
            println!(
                "{what}: {} MiB after a tenth, {} MiB after all",
                before >> 20,
                after >> 20
            );
            assert!(
                after <= before + MORE_MEMORY,
                "{what} took more memory the longer it lasted"
            );
        }
    }
}

/// Merges whatever there is, again and again.
struct Merging {
    stopping: Arc<AtomicBool>,
    merges: JoinHandle<u64>,
}

impl Merging {
    fn start(db: &TestDb) -> Self {
        let db = Db::new(&DbConfig::new(db.url_for("sightline_compactor"), "e2e")).unwrap();
        let config = CompactorConfig {
            rows_after: Duration::ZERO,
            fresh_after: Duration::ZERO,
            eager: true,
            ..CompactorConfig::default()
        };
        let stopping = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopping);
        let merges = tokio::spawn(async move {
            let mut compactor = Compactor::new(db, config);
            let mut merges = 0;
            while !told.load(Ordering::Relaxed) {
                merges += compactor.round().await.unwrap().unwrap().merges;
            }
            merges
        });
        Self { stopping, merges }
    }

    /// How many there were.
    async fn stop(self) -> u64 {
        self.stopping.store(true, Ordering::Relaxed);
        self.merges.await.unwrap()
    }
}
