//! Searches as people make them: through the gateway, with a token. First each beside the same search of the reader itself,
//! then fifty at a time while lines come, then one organisation's while another asks for all that it may.

mod overviews;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use domain::ids::OrgId;
use hdrhistogram::Histogram;
use reqwest::{Client, StatusCode};
use testkit::{Fixture, Service};
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::corpus::{Corpus, Line, Random};
use crate::cpu;
use crate::ingest;
use crate::load::{self, Pace};
use crate::queries::{self, Asking};
use crate::questions::{self, Question, RUNS, WARM_UP};
use crate::report::Report;
use crate::target::{Sender, Target};

/// People who ask at once, and the rate of the lines that come meanwhile.
const PEOPLE: usize = 50;
const LINES_PER_SECOND: usize = 50_000;
/// How long each mixture of searches lasts.
const LENGTH: Duration = Duration::from_secs(20);
/// Different questions of a kind in each of the five mixtures.
const OF_EACH: usize = questions::DIFFERENT / 5;
/// Lines that come meanwhile have times after the corpus.
const LATER: time::Duration = time::Duration::minutes(9);

pub(crate) async fn measure(lines: usize, end: OffsetDateTime, report: &mut Report) -> anyhow::Result<()> {
    let corpus: Vec<Line> = Corpus::new(crate::SEED, lines, end).collect();
    let target = Target::start_with_gateway().await?;
    let senders = ingest::load(&target, &corpus, report).await?;
    queries::compact(&target, report).await?;
    let gateway = Gateway::of(&target, senders, end).await?;
    let questions = questions::all(&corpus);
    drop(corpus);

    beside_the_reader(&target, &gateway, &questions, report).await?;
    overviews::measure(&gateway, report).await?;
    report_memory(&target, report);

    report.section("50 mixed searches at a time, of 5 organisations, while lines come");
    // Nobody asks in one mixture what was asked in another: it would be remembered.
    let [first, second, third, fourth, fifth] =
        std::array::from_fn(|part| gateway.mixes(&questions, part * OF_EACH..(part + 1) * OF_EACH));
    let alone = gateway.ask_for(LENGTH, &first[..1], 1).await?;
    alone.report("one person alone", report);
    let many = gateway.ask_for(LENGTH, &second, PEOPLE).await?;
    many.report("50 people", report);
    let (loaded, taken) = under_load(&target, &gateway, &third, end).await?;
    loaded.report("50 people, and 50,000 lines a second", report);
    let of_alone = loaded.ms(0.95) / alone.ms(0.95);
    report.add("  p95, of one person alone", of_alone, "x (goal: 5)");
    let of_many = loaded.ms(0.95) / many.ms(0.95);
    report.add("  p95, of 50 people without lines that come", of_many, "x");
    report.add(
        "  lines taken, of those that came",
        taken / LINES_PER_SECOND as f64,
        "x (goal: 0.9)",
    );
    report_memory(&target, report);

    report.section("an organisation's searches while another asks for all that it may");
    let quiet = gateway.ask_for(LENGTH, &fourth[1..2], 1).await?;
    quiet.report("alone", report);
    let greedy = gateway.greedily();
    let disturbed = gateway.ask_for(LENGTH, &fifth[1..2], 1).await?;
    let asked = greedy.stop().await?;
    disturbed.report("beside another's heaviest", report);
    report.add("  the other's answers meanwhile", asked as f64, "answers");
    report.add(
        "  p95, of that alone",
        disturbed.ms(0.95) / quiet.ms(0.95),
        "x (goal: 2)",
    );
    report_memory(&target, report);
    Ok(())
}

fn report_memory(target: &Target, report: &mut Report) {
    let peak = cpu::peak_megabytes(target.gateway_pid());
    report.add("largest memory of query so far", peak, "MB (goal: 256)");
}

/// The gateway as the members of each organisation reach it.
struct Gateway {
    base: Arc<str>,
    senders: Vec<Sender>,
    /// The first sender of each organisation, and a token of it.
    orgs: Vec<(Sender, Arc<str>)>,
    end: OffsetDateTime,
}

/// What a person asks in turns: a token, and the addresses.
#[derive(Clone)]
struct Mix {
    token: Arc<str>,
    paths: Arc<Vec<String>>,
}

impl Gateway {
    async fn of(target: &Target, senders: Vec<Sender>, end: OffsetDateTime) -> anyhow::Result<Self> {
        let mut orgs: Vec<(Sender, Arc<str>)> = Vec::new();
        for sender in &senders {
            if orgs.iter().all(|(known, _)| known.org_id != sender.org_id) {
                let token = Fixture::viewers_token(&target.stack.db, OrgId(sender.org_id)).await;
                orgs.push((sender.clone(), token.into()));
            }
        }
        Ok(Self {
            base: target.stack.client(Service::Query).base().into(),
            senders,
            orgs,
            end,
        })
    }

    /// Each organisation's turns of all kinds of questions.
    fn mixes(&self, questions: &[Question], runs: Range<usize>) -> Vec<Mix> {
        let mix = |(sender, token): &(Sender, Arc<str>)| {
            let runs = runs.clone();
            let runs = runs.flat_map(|run| questions.iter().map(move |question| (run, question)));
            let paths = runs.map(|(run, question)| question.path(run, sender, self.end, LATER));
            Mix {
                token: Arc::clone(token),
                paths: Arc::new(paths.collect()),
            }
        };
        self.orgs.iter().map(mix).collect()
    }

    /// People of each organisation in turn ask one question after the other.
    async fn ask_for(&self, length: Duration, mixes: &[Mix], people: usize) -> anyhow::Result<Answers> {
        let until = Instant::now() + length;
        let mut asking = JoinSet::new();
        for number in 0..people {
            let person = Person::new(&self.base, mixes[number % mixes.len()].clone(), number)?;
            asking.spawn(person.ask_until(until));
        }
        let mut all = Answers::new()?;
        while let Some(answers) = asking.join_next().await {
            all.add(&answers??)?;
        }
        Ok(all)
    }

    /// The first organisation asks for as much as it can, until it is stopped.
    fn greedily(&self) -> Greedy {
        /// More than may run or wait: those that are refused try again.
        const ASKING: usize = 24;
        let (_, token) = &self.orgs[0];
        let heavy = [
            r"/api/logs/stats?q=%2Fz%5B0-9%5D%2Bq%2F%20%7C%20stats%20count()",
            "/api/logs/stats?q=*%20%7C%20stats%20count_distinct(user_id)%20by%20host%20every%205m",
            "/api/logs/query?q=*eedlexx*",
            "/api/logs/facets?fields=user_id,host,region,http_status,duration_ms&values=100",
            "/api/logs/export?limit=200000",
            "/loki/api/v1/query_range?query=sum%20by(host)(count_over_time(%7B%7D%7C~%60z%5B0-9%5D%60%5B5m%5D))&since=24h",
        ];
        let stopping = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let mut asking = JoinSet::new();
        for number in 0..ASKING {
            let (url, token) = (
                format!("{}{}", self.base, heavy[number % heavy.len()]),
                Arc::clone(token),
            );
            let (stopping, answered) = (Arc::clone(&stopping), Arc::clone(&answered));
            asking.spawn(async move {
                let client = client()?;
                while !stopping.load(Ordering::Relaxed) {
                    let mut response = client.get(&url).bearer_auth(&*token).send().await?;
                    if response.status() == StatusCode::OK {
                        while response.chunk().await?.is_some() {}
                        answered.fetch_add(1, Ordering::Relaxed);
                    } else {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                anyhow::Ok(())
            });
        }
        Greedy {
            stopping,
            answered,
            asking,
        }
    }
}

struct Greedy {
    stopping: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    asking: JoinSet<anyhow::Result<()>>,
}

impl Greedy {
    /// How many answers it got.
    async fn stop(mut self) -> anyhow::Result<usize> {
        self.stopping.store(true, Ordering::Relaxed);
        while let Some(ended) = self.asking.join_next().await {
            ended??;
        }
        Ok(self.answered.load(Ordering::Relaxed))
    }
}

/// Somebody with a connection of their own.
struct Person {
    client: Client,
    base: Arc<str>,
    mix: Mix,
    random: Random,
}

impl Person {
    fn new(base: &Arc<str>, mix: Mix, number: usize) -> anyhow::Result<Self> {
        Ok(Self {
            client: client()?,
            base: Arc::clone(base),
            mix,
            random: Random::new(crate::SEED + 2 * number as u64),
        })
    }

    async fn ask_until(mut self, until: Instant) -> anyhow::Result<Answers> {
        let mut answers = Answers::new()?;
        while Instant::now() < until {
            let place = self.random.below(self.mix.paths.len() as u64) as usize;
            let asked = Instant::now();
            if self.ask(place).await? {
                answers.times.record(asked.elapsed().as_micros() as u64)?;
            } else {
                answers.refused += 1;
            }
        }
        Ok(answers)
    }

    /// Whether it was answered, and not refused for being too much.
    async fn ask(&self, place: usize) -> anyhow::Result<bool> {
        let url = format!("{}{}", self.base, self.mix.paths[place]);
        let response = self.client.get(&url).bearer_auth(&*self.mix.token).send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        match status {
            StatusCode::OK => Ok(true),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Ok(false),
            _ => bail!(
                "{url} was answered with {status}: {}",
                String::from_utf8_lossy(&body)
            ),
        }
    }
}

fn client() -> anyhow::Result<Client> {
    // A client of its own is a connection of its own.
    let client = Client::builder()
        .pool_max_idle_per_host(1)
        .http1_only()
        .no_proxy()
        .build()?;
    Ok(client)
}

struct Answers {
    /// From asking to the whole answer, in microseconds.
    times: Histogram<u64>,
    refused: u64,
}

impl Answers {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            times: Histogram::new(3)?,
            refused: 0,
        })
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.refused += other.refused;
        Ok(self.times.add(&other.times)?)
    }

    fn ms(&self, quantile: f64) -> f64 {
        self.times.value_at_quantile(quantile) as f64 / 1_000.0
    }

    fn report(&self, name: &str, report: &mut Report) {
        report.add(name, self.ms(0.5), "ms, p50");
        report.add("  p95", self.ms(0.95), "ms");
        report.add("  answers", self.times.len() as f64, "answers");
        report.add("  refused", self.refused as f64, "answers");
    }
}

/// Each question in turns to the reader within this process and to the gateway.
async fn beside_the_reader(
    target: &Target,
    gateway: &Gateway,
    questions: &[Question],
    report: &mut Report,
) -> anyhow::Result<()> {
    let (sender, token) = &gateway.orgs[0];
    let mut reader = Asking::begin(target, &gateway.senders, gateway.end).await?;
    report.section("searches through the gateway, beside the same of the reader itself");
    for question in questions {
        let none = time::Duration::ZERO;
        let paths = (0..RUNS + WARM_UP).map(|run| question.path(run, sender, gateway.end, none));
        let mix = Mix {
            token: Arc::clone(token),
            paths: Arc::new(paths.collect()),
        };
        let person = Person::new(&gateway.base, mix, 0)?;
        let (mut own, mut through) = (Answers::new()?, Answers::new()?);
        for run in 0..RUNS + WARM_UP {
            let started = Instant::now();
            reader.ask(question, run).await?;
            let took = started.elapsed();
            let started = Instant::now();
            if !person.ask(run).await? {
                bail!("a search was refused although nobody else asked");
            }
            if run >= WARM_UP {
                own.times.record(took.as_micros() as u64)?;
                through.times.record(started.elapsed().as_micros() as u64)?;
            }
        }
        report.add(question.name, through.ms(0.5), "ms, p50");
        report.add(
            "  more than the reader itself",
            through.ms(0.5) - own.ms(0.5),
            "ms (goal: 3)",
        );
    }
    Ok(())
}

/// The same mixture while lines come and are merged. Also how many lines a second were taken.
async fn under_load(
    target: &Target,
    gateway: &Gateway,
    mixes: &[Mix],
    end: OffsetDateTime,
) -> anyhow::Result<(Answers, f64)> {
    let now = crate::now();
    let length = LENGTH.as_secs() as usize + 2;
    let lines = Corpus::new(crate::SEED + 2, LINES_PER_SECOND * length, end).zip(0..);
    let lines: Vec<Line> = lines
        .map(|(line, number)| Line {
            ts: now + time::Duration::SECOND * f64::from(number) / LINES_PER_SECOND as f64,
            ..line
        })
        .collect();
    let requests = Arc::new(ingest::prepare(&lines, &gateway.senders, 1_000));
    drop(lines);
    let merging = tokio::spawn(queries::merge_on(target.merging_db()?));
    let base = target.stack.client(Service::Ingest).base().to_owned();
    let pace = Pace::LinesPerSecond(LINES_PER_SECOND as f64);
    let coming = tokio::spawn(async move { load::run(&base, requests, 4, pace).await });
    let answers = gateway.ask_for(LENGTH, mixes, PEOPLE).await?;
    let taken = coming.await?.context("sending lines")?;
    merging.abort();
    Ok((answers, taken.lines_per_second()))
}
