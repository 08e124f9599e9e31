//! Following new lines under a load: each is delivered or announced as missed, in order, and soon.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use testkit::{Client, Service, Stack};
use tokio::time::{Instant, interval, sleep, timeout};

use crate::company::{Company, INGEST};
use crate::size;

/// How often a batch is sent.
const TICK: Duration = Duration::from_millis(100);
/// Of each line, so that a reader that stalls has more waiting than connections and the gateway hold.
const PADDING: usize = 1_500;
/// Nothing that a reader waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is sent, and by when it was acknowledged: the promise is about lines that were.
struct Sent {
    lines_of_a_batch: usize,
    batches: usize,
    acknowledged: Mutex<Vec<Instant>>,
}

impl Sent {
    fn lines(&self) -> usize {
        self.lines_of_a_batch * self.batches
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_is_delivered_or_announced_as_missed_in_order_and_soon() {
    let per_second = size::of(1_500, 5_000);
    let length = size::of(Duration::from_secs(12), Duration::from_mins(1));
    let stall = size::of(Duration::from_secs(2), Duration::from_secs(5));
    let stack = Stack::build()
        .only([Service::Identity, Service::Ingest, Service::Query])
        .start()
        .await;
    let company = Company::sign_up(&stack.gateway()).await;
    let sent = Arc::new(Sent {
        lines_of_a_batch: per_second / 10,
        batches: (length.as_millis() / TICK.as_millis()) as usize,
        acknowledged: Mutex::default(),
    });
    let mut pausing = Reader::open(&company.admin, &sent).await;
    let mut sleeping = Reader::open(&company.admin, &sent).await;
    let sending = tokio::spawn(send(company.application(&stack), Arc::clone(&sent)));
    let reading = async {
        pausing.read_until(sent.lines() / 2).await;
        sleep(stall).await;
        pausing.read_until(sent.lines()).await;
    };
    reading.await;
    sending.await.unwrap();
    // The other one took nothing meanwhile.
    sleeping.read_until(sent.lines()).await;

    let median = pausing.median();
    println!(
        "{per_second} lines/s: {} delivered, {} missed, median {median:?} after the 2xx; who slept: {} and {}",
        pausing.delivered, pausing.missed, sleeping.delivered, sleeping.missed,
    );
    assert_eq!(pausing.delivered + pausing.missed, sent.lines());
    assert_eq!(sleeping.delivered + sleeping.missed, sent.lines());
    assert!(sleeping.missed > 0, "what waits for a reader is bounded");
    // Debug builds of all parts share the machine with other tests.
    let promised = size::of(Duration::from_secs(3), Duration::from_millis(300));
    assert!(median <= promised, "a line came {median:?} after its 2xx");
}

async fn send(application: Client, sent: Arc<Sent>) {
    let padding = "x".repeat(PADDING);
    let mut ticks = interval(TICK);
    for batch in 0..sent.batches {
        ticks.tick().await;
        let lines = (0..sent.lines_of_a_batch).map(|line| batch * sent.lines_of_a_batch + line);
        let body: Vec<String> = lines
            .map(|number| format!(r#"{{"message":"line {number} {padding}"}}"#))
            .collect();
        let reply = application
            .post_bytes(INGEST, "application/x-ndjson", body.join("\n"))
            .await;
        assert_eq!(reply.data()["accepted"], sent.lines_of_a_batch);
        sent.acknowledged.lock().unwrap().push(Instant::now());
    }
}

/// Somebody who follows.
struct Reader {
    response: reqwest::Response,
    /// What came and is no whole event yet.
    text: String,
    sent: Arc<Sent>,
    delivered: usize,
    missed: usize,
    /// From the 2xx on, of each line that was delivered; nothing for one that came before it.
    took: Vec<Duration>,
    last: Option<usize>,
}

impl Reader {
    /// Waits until it is told where it is: it follows from there on.
    async fn open(client: &Client, sent: &Arc<Sent>) -> Self {
        let request = client.request(Method::GET, "/api/logs/tail?q=line");
        let request = request.timeout(Duration::from_mins(5));
        let mut reader = Self {
            response: request.send().await.unwrap(),
            text: String::new(),
            sent: Arc::clone(sent),
            delivered: 0,
            missed: 0,
            took: Vec::new(),
            last: None,
        };
        while !reader.event().await.starts_with("id: ") {}
        reader
    }

    async fn event(&mut self) -> String {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return event;
            }
            self.fill().await;
        }
    }

    async fn fill(&mut self) {
        let chunk = timeout(PATIENCE, self.response.chunk()).await.unwrap().unwrap();
        let chunk = chunk.expect("the stream goes on");
        self.text.push_str(std::str::from_utf8(&chunk).unwrap());
    }

    /// Reads until this many lines were delivered or announced as missed.
    async fn read_until(&mut self, lines: usize) {
        while self.delivered + self.missed < lines {
            self.fill().await;
            let text = std::mem::take(&mut self.text);
            let (whole, rest) = text.rsplit_once("\n\n").unwrap_or(("", &text));
            whole.split("\n\n").for_each(|event| self.take(event));
            rest.clone_into(&mut self.text);
        }
    }

    fn take(&mut self, event: &str) {
        let of = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let data = || serde_json::from_str::<Value>(of("data: ").unwrap()).unwrap();
        match of("event: ") {
            Some("line") => {
                let message = data()["message"].as_str().unwrap().to_owned();
                self.note(message.split(' ').nth(1).unwrap().parse().unwrap());
            }
            Some("missed") => self.missed += data()["lines"].as_u64().unwrap() as usize,
            // The database did not answer in time; what it has comes later.
            Some("stalled") | None => {}
            Some(other) => panic!("{other}: {event}"),
        }
    }

    fn note(&mut self, number: usize) {
        assert!(
            self.last.is_none_or(|last| last < number),
            "{number} after {:?}",
            self.last
        );
        // Where lines are left out they were announced, at the latest here.
        assert!(
            number <= self.delivered + self.missed,
            "{number} after {} delivered and {} missed",
            self.delivered,
            self.missed
        );
        self.last = Some(number);
        self.delivered += 1;
        let acknowledged = self.sent.acknowledged.lock().unwrap();
        let at = acknowledged.get(number / self.sent.lines_of_a_batch);
        self.took.push(at.map_or(Duration::ZERO, Instant::elapsed));
    }

    fn median(&mut self) -> Duration {
        self.took.sort_unstable();
        self.took[self.took.len() / 2]
    }
}
