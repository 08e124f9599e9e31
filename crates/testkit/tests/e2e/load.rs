//! A load on ingest that keeps books: which batches were acknowledged, and which were not yet. A batch that was not is
//! sent again with the same `Idempotency-Key` until it is; one without a key is given up.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use testkit::corpus::Dice;
use testkit::{Client, Reply, eventually};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::company::INGEST;

/// Before a batch that was not acknowledged is sent again.
const PAUSE: Duration = Duration::from_millis(30);
/// Every acknowledgement that a test waits for comes within this, also after a restart on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Connections that send batch after batch until told to stop.
pub(crate) struct Load {
    books: Arc<Books>,
    senders: JoinSet<()>,
}

/// What was sent, and what came of it.
#[derive(Default)]
pub(crate) struct Books {
    /// By the number of the batch.
    batches: Mutex<Vec<Entry>>,
    acknowledged: AtomicUsize,
    stopping: AtomicBool,
    /// Refusals with 503.
    put_off: AtomicUsize,
    /// Requests without an answer.
    unanswered: AtomicUsize,
}

#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Which of the load's applications sent it.
    pub(crate) application: usize,
    pub(crate) lines: usize,
    pub(crate) keyed: bool,
    pub(crate) acknowledged: bool,
}

/// What batches are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    lines: &'static [usize],
    /// Bytes of the longest line's text.
    longest: &'static [u64],
    /// Two of three have an `Idempotency-Key`; otherwise all do.
    some_without_key: bool,
}

impl Mix {
    /// From one line to hundreds, from short lines to long ones.
    pub(crate) const USUAL: Self = Self {
        lines: &[1, 1, 2, 7, 30, 120, 400],
        longest: &[10, 60, 300, 2_000],
        some_without_key: false,
    };
    pub(crate) const PARTLY_KEYED: Self = Self {
        some_without_key: true,
        ..Self::USUAL
    };
    /// Megabytes.
    pub(crate) const HEAVY: Self = Self {
        lines: &[30, 120, 300],
        longest: &[20_000],
        ..Self::USUAL
    };
}

/// A request body whose every line bears the numbers of the batch and of the line.
struct Batch {
    number: usize,
    lines: usize,
    keyed: bool,
    gzip: bool,
    body: Vec<u8>,
}

/// One connection of the load.
struct Sender {
    application: usize,
    client: Client,
    mix: Mix,
    books: Arc<Books>,
    dice: Dice,
}

impl Load {
    /// Starts `connections` senders that take turns at the given replicas of ingest.
    pub(crate) fn start(applications: &[Client], connections: usize, seed: u64) -> Self {
        Self::go_on(&Arc::default(), applications, connections, Mix::USUAL, seed)
    }

    /// Starts senders that go on with the books of a load that has ended.
    pub(crate) fn go_on(
        books: &Arc<Books>,
        applications: &[Client],
        connections: usize,
        mix: Mix,
        seed: u64,
    ) -> Self {
        let books = Arc::clone(books);
        books.stopping.store(false, Ordering::Relaxed);
        let mut senders = JoinSet::new();
        for index in 0..connections {
            let application = index % applications.len();
            let sender = Sender {
                application,
                client: applications[application].clone(),
                mix,
                books: Arc::clone(&books),
                dice: Dice(seed + index as u64),
            };
            senders.spawn(sender.send_until_stopped());
        }
        Self { books, senders }
    }

    pub(crate) fn books(&self) -> &Arc<Books> {
        &self.books
    }

    /// Waits until this many more batches are acknowledged.
    #[track_caller]
    pub(crate) fn acknowledges(&self, more: usize) -> impl Future<Output = ()> {
        let wanted = self.books.acknowledged() + more;
        let books = self.books.clone();
        eventually(PATIENCE, "acknowledgements", async move || {
            match books.acknowledged() {
                enough if enough >= wanted => Ok(()),
                count => Err(format!("{count} of {wanted}")),
            }
        })
    }

    /// Starts no further batch, and waits until every one is acknowledged or given up.
    pub(crate) async fn finish(mut self) -> Arc<Books> {
        self.books.stopping.store(true, Ordering::Relaxed);
        let all = async {
            while self
                .senders
                .join_next()
                .await
                .transpose()
                .expect("no sender panics")
                .is_some()
            {}
        };
        tokio::time::timeout(PATIENCE, all)
            .await
            .expect("every batch is acknowledged in the end");
        self.books
    }

    /// Stops at once; batches under way stay unacknowledged.
    pub(crate) async fn abandon(mut self) -> Arc<Books> {
        self.senders.abort_all();
        while let Some(ended) = self.senders.join_next().await {
            assert!(
                ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()),
                "a sender panicked"
            );
        }
        self.books
    }
}

impl Books {
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(crate) fn put_off(&self) -> usize {
        self.put_off.load(Ordering::Relaxed)
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::Relaxed)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.batches.lock().unwrap().clone()
    }

    fn begin(&self, application: usize, mix: Mix, dice: &mut Dice) -> Batch {
        let mut batches = self.batches.lock().unwrap();
        let number = batches.len();
        let batch = Batch::new(number, mix, dice);
        batches.push(Entry {
            application,
            lines: batch.lines,
            keyed: batch.keyed,
            acknowledged: false,
        });
        batch
    }

    fn acknowledge(&self, number: usize) {
        self.batches.lock().unwrap()[number].acknowledged = true;
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

impl Batch {
    /// Plain or compressed.
    fn new(number: usize, mix: Mix, dice: &mut Dice) -> Self {
        let lines = *dice.pick(mix.lines);
        let longest = *dice.pick(mix.longest);
        let mut body = Vec::new();
        for line in 0..lines {
            let padding = "x".repeat(dice.below(longest) as usize);
            let json = r#"{"level":"info","message":"#;
            writeln!(
                body,
                "{json}\"batch {number} line {line} of {lines} {padding}\"}}"
            )
            .unwrap();
        }
        let gzip = dice.below(3) == 0;
        let keyed = !mix.some_without_key || dice.below(3) > 0;
        Self {
            number,
            lines,
            keyed,
            gzip,
            body: if gzip { compress(&body) } else { body },
        }
    }

    async fn send(&self, application: &Client) -> reqwest::Result<Reply> {
        let mut request = application
            .request(Method::POST, INGEST)
            .header("content-type", "application/x-ndjson")
            .body(self.body.clone());
        if self.keyed {
            request = request.header("idempotency-key", format!("batch-{}", self.number));
        }
        if self.gzip {
            request = request.header("content-encoding", "gzip");
        }
        Reply::read(request.send().await?).await
    }
}

impl Sender {
    async fn send_until_stopped(mut self) {
        while !self.books.stopping.load(Ordering::Relaxed) {
            let batch = self.books.begin(self.application, self.mix, &mut self.dice);
            self.send_until_acknowledged(&batch).await;
            // A sender that lost the answer sends again what is stored already.
            if batch.keyed && self.dice.below(8) == 0 {
                let _ = batch.send(&self.client).await;
            }
        }
    }

    /// Without a key, whoever sends again may store it twice: such a batch is sent once.
    async fn send_until_acknowledged(&self, batch: &Batch) {
        while !self.send(batch).await && batch.keyed {
            sleep(PAUSE).await;
        }
    }

    /// Says whether it was acknowledged.
    async fn send(&self, batch: &Batch) -> bool {
        match batch.send(&self.client).await {
            Ok(reply) if reply.status == 200 => {
                let data = reply.data();
                assert_eq!(data["accepted"], batch.lines, "not the whole batch: {data}");
                self.books.acknowledge(batch.number);
                true
            }
            Ok(reply) => {
                reply.assert_error(503, "UNAVAILABLE", "");
                assert_ne!(reply.header("retry-after"), "", "a 503 says when to come back");
                self.books.put_off.fetch_add(1, Ordering::Relaxed);
                false
            }
            Err(_no_answer) => {
                self.books.unanswered.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }
}

pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
