//! Patterns: each line counts once whatever form it is in, and the registry knows what was seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use db::DbConfig;
use domain::level::Level;
use domain::log_record::NewLog;
use domain::patterns::{Template, TemplateId};
use domain::scope::Scope;
use logstore::compactor::{Compactor, CompactorConfig};
use logstore::maintenance::{self, Cleanup};
use logstore::patterns::counts;
use logstore::reader::{
    Budget, Condition, Intervals, Order, Partial, Patterns, PatternsPlan, Plan, Reader, SearchScope,
};
use logstore::writer::{Batch, Writer, WriterConfig};
use testkit::corpus::Dice;
use testkit::{Fixture, TestDb};
use time::OffsetDateTime;

use crate::compactor::{EAGER, compact_all};

/// A database with lines of an organisation, and a copy of them.
pub(crate) struct Yard {
    pub(crate) test: TestDb,
    pub(crate) org: Fixture,
    writer: Writer,
    pub(crate) now: OffsetDateTime,
    pub(crate) lines: Vec<(Scope, OffsetDateTime, Level, String)>,
    dice: Dice,
}

/// Lines by pattern.
type Counts = BTreeMap<TemplateId, u64>;

impl Yard {
    pub(crate) async fn create() -> Self {
        let test = TestDb::create().await;
        let org = Fixture::org(&test).await;
        let config = WriterConfig::new(DbConfig::new(test.url_for("sightline_ingest"), "test-writer"));
        // Between two counts, and so that all lines expire on one day.
        let noon = "SELECT date_trunc('day', now(), 'UTC') - interval '11 hours 58 minutes 20 seconds'";
        let now = test.owner().await.query_one(noon, &[]).await.unwrap().get(0);
        Self {
            writer: Writer::start(&config, Arc::new(|_| {})),
            test,
            org,
            now,
            lines: Vec::new(),
            dice: Dice(7),
        }
    }

    /// Stores so many lines of a few templates in one request, spread over the last ten hours.
    pub(crate) async fn write(&mut self, scope: Scope, count: usize) {
        let mut lines = Vec::with_capacity(count);
        for _ in 0..count {
            let number = self.dice.below(1_000);
            let message = match self.dice.below(4) {
                0 => format!("order {number} shipped"),
                1 => format!("payment of {number}.5 EUR failed: \"reason {number}\""),
                2 => format!("GET /users/{number} took {number}ms"),
                _ => "nothing to do".to_owned(),
            };
            let level = Level::ALL[self.dice.below(6) as usize];
            let ago = time::Duration::seconds(self.dice.below(36_000) as i64);
            lines.push((scope, self.now - ago, level, message));
        }
        self.store(lines).await;
    }

    pub(crate) async fn store(&mut self, lines: Vec<(Scope, OffsetDateTime, Level, String)>) {
        let new: Vec<NewLog<'_>> = lines
            .iter()
            .map(|(_, ts, level, message)| NewLog {
                ts: *ts,
                level: *level,
                message: message.as_str().into(),
                meta: None,
                trace_id: None,
                request_id: None,
            })
            .collect();
        let batch = Batch::of(lines[0].0, time::Duration::days(30), &new).unwrap();
        self.writer.append(batch, None).await.unwrap();
        self.lines.extend(lines);
    }

    /// What lines of these levels there are from one time to another, counted one by one.
    fn expected(&self, from: OffsetDateTime, to: OffsetDateTime, levels: &[Level]) -> Counts {
        let mut counts = Counts::new();
        for (_, ts, level, message) in &self.lines {
            if from <= *ts && *ts < to && (levels.is_empty() || levels.contains(level)) {
                *counts.entry(Template::of(message.as_bytes()).id).or_default() += 1;
            }
        }
        counts
    }

    async fn patterns(
        &self,
        from: OffsetDateTime,
        to: OffsetDateTime,
        levels: &[Level],
        most_mined: u64,
    ) -> Patterns {
        let condition = Arc::new(Condition::all().with_levels(levels));
        let scope = |environment_id| SearchScope {
            service_id: self.org.service_id,
            environment_id,
            oldest: self.now - time::Duration::days(30),
        };
        let environments = [self.org.production, self.org.staging];
        let lines = Plan {
            scopes: environments
                .map(|environment| (scope(environment), Arc::clone(&condition)))
                .into(),
            from,
            to,
            order: Order::NewestFirst,
            limit: 1,
            cursor: None,
            budget: Budget {
                time: Duration::from_mins(1),
                bytes: 1 << 20,
            },
        };
        let plan = PatternsPlan {
            lines,
            intervals: Intervals::covering(from, to, 60),
            most_mined,
        };
        let db = self.test.db("sightline_query");
        let mut conn = db.conn("test").await.unwrap();
        let tx = conn.tenant_snapshot(self.org.org_id).await.unwrap();
        Reader::new(1 << 20).patterns(&tx, &plan).await.unwrap()
    }

    /// Asserts that windows of all kinds count each line once, and so does each segment.
    async fn check(&mut self, what: &str) {
        let sql = "SELECT row_count, pattern_counts FROM log_segments WHERE pattern_counts IS NOT NULL";
        for row in self.test.owner().await.query(sql, &[]).await.unwrap() {
            let (rows, stored): (i32, &[u8]) = (row.get(0), row.get(1));
            let mut lines = 0;
            counts::decode(stored, |_, entry| lines += entry.lines as i32).unwrap();
            assert_eq!(lines, rows, "{what}: a segment's counts are of its lines");
        }
        let (day, now) = (time::Duration::DAY, self.now + time::Duration::SECOND);
        let mut windows = vec![
            (now - day, now, vec![]),
            (now - day, now, vec![Level::Error, Level::Fatal]),
        ];
        for _ in 0..6 {
            let from = now - time::Duration::seconds(self.dice.below(36_000) as i64);
            let length = time::Duration::seconds(1 + self.dice.below(9_000) as i64);
            windows.push((from, from + length, vec![Level::ALL[self.dice.below(6) as usize]]));
            windows.push((from, from + length, vec![]));
        }
        for (from, to, levels) in windows {
            let found = self.patterns(from, to, &levels, u64::MAX).await;
            assert_eq!(found.stats.partial, None);
            assert_eq!(
                by_id(&found),
                self.expected(from, to, &levels),
                "{what}: {from} {to}"
            );
            for count in &found.counts {
                let sum: u64 = count.intervals.iter().map(|lines| u64::from(*lines)).sum();
                assert_eq!(sum, count.lines(), "intervals add up");
            }
        }
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.test.owner().await.batch_execute(sql).await.unwrap();
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.test.owner().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

fn by_id(found: &Patterns) -> Counts {
    let counts = found.counts.iter().map(|count| (count.id, count.lines()));
    counts.filter(|(_, lines)| *lines > 0).collect()
}

const UNCOUNTED: &str = "SELECT count(*) FROM log_segments WHERE pattern_counts IS NULL";

#[tokio::test]
async fn each_line_counts_once_in_whatever_form_it_is() {
    let mut yard = Yard::create().await;
    let scope = yard.org.scope();
    let staging = Scope {
        environment_id: yard.org.staging,
        ..scope
    };
    for scope in [scope, staging] {
        yard.write(scope, 700).await;
        yard.write(scope, 10).await;
    }
    yard.check("fresh segments and rows").await;
    compact_all(&yard.test).await;
    yard.check("merged").await;
    yard.write(scope, 300).await;
    yard.write(staging, 5).await;
    yard.check("merged, fresh and loose").await;
    assert_eq!(compact_all(&yard.test).await.merges, 2);
    yard.check("merged again").await;
    let (from, to) = (yard.now - time::Duration::DAY, yard.now);
    let found = yard.patterns(from, to, &[], u64::MAX).await;
    assert!(found.mined < 200, "only the edges: {}", found.mined);
    // As before there were counts.
    assert_eq!(yard.number(UNCOUNTED).await, 0);
    yard.execute("UPDATE log_segments SET pattern_counts = NULL")
        .await;
    yard.check("merged long ago").await;
    // Moved to another day.
    compact_all(&yard.test).await;
    yard.write(scope, 50).await;
    compact_all(&yard.test).await;
    yard.execute("UPDATE services SET retention_days = 60").await;
    assert!(compact_all(&yard.test).await.moved > 0);
    yard.check("moved").await;
    assert_eq!(
        yard.number("SELECT count(*) FROM log_segments WHERE pattern_counts IS NOT NULL")
            .await,
        1
    );
}

#[tokio::test]
async fn the_registry_knows_texts_and_when_they_were_seen() {
    let mut yard = Yard::create().await;
    let scope = yard.org.scope();
    let line = |ago: i64, level, message: &str| {
        let ts = yard.now - time::Duration::minutes(ago);
        (scope, ts, level, message.to_owned())
    };
    let lines = vec![
        line(60, Level::Info, "order 1 shipped"),
        line(50, Level::Error, "order 2 shipped"),
        line(40, Level::Error, "disk sda1 is full"),
        line(30, Level::Fatal, "disk sdb2 is full"),
    ];
    let times: Vec<OffsetDateTime> = lines.iter().map(|line| line.1).collect();
    yard.store(lines).await;
    compact_all(&yard.test).await;
    // An older one that comes late.
    let late = yard.now - time::Duration::minutes(120);
    yard.store(vec![(scope, late, Level::Info, "order 3 shipped".to_owned())])
        .await;
    compact_all(&yard.test).await;
    // When errors of each were first seen, and where.
    let sql = "SELECT p.text, w.first_seen, p.level, p.sample, w.environment_id FROM log_pattern_places w
        JOIN log_patterns p USING (org_id, service_id, template_id) WHERE w.is_error ORDER BY w.first_seen";
    let rows = yard.test.owner().await.query(sql, &[]).await.unwrap();
    let seen: Vec<(&str, OffsetDateTime, i16)> = rows
        .iter()
        .map(|row| (row.get("text"), row.get("first_seen"), row.get("level")))
        .collect();
    assert_eq!(
        seen,
        [
            ("order <*> shipped", times[1], Level::Info.code()),
            ("disk <*> is full", times[2], Level::Error.code())
        ]
    );
    assert_eq!(rows[1].get::<_, &str>("sample"), "disk sda1 is full");
    assert!(
        rows.iter()
            .all(|row| row.get::<_, domain::ids::EnvironmentId>("environment_id") == yard.org.production)
    );
    let found = yard
        .patterns(yard.now - time::Duration::DAY, yard.now, &[], u64::MAX)
        .await;
    let first = |message: &str| {
        let id = Template::of(message.as_bytes()).id;
        let count = found.counts.iter().find(|count| count.id == id).unwrap();
        count.first_seen.unwrap()
    };
    assert_eq!(first("order 9 shipped"), late);
    assert_eq!(first("disk x1 is full"), times[2]);
}

#[tokio::test]
async fn what_is_not_merged_is_mined_up_to_a_bound_and_the_rest_is_told() {
    let mut yard = Yard::create().await;
    yard.write(yard.org.scope(), 400).await;
    let (from, to) = (yard.now - time::Duration::DAY, yard.now + time::Duration::SECOND);
    let found = yard.patterns(from, to, &[], 150).await;
    assert_eq!(found.stats.partial, Some(Partial::TooManyLines));
    assert_eq!((found.mined, found.left_out), (150, Some(250)));
    assert_eq!(by_id(&found).values().sum::<u64>(), 150);
    // What is in no registry yet has its text.
    let key = (yard.org.service_id, Template::of(b"nothing to do").id);
    let db = yard.test.db("sightline_query");
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant_snapshot(yard.org.org_id).await.unwrap();
    let described = found.describe(&tx, &[key]).await.unwrap();
    assert_eq!(described[0].as_ref().unwrap().text, "nothing to do");
}

#[tokio::test]
async fn counts_that_are_damaged_are_left_out_and_said_so() {
    let mut yard = Yard::create().await;
    yard.write(yard.org.scope(), 200).await;
    compact_all(&yard.test).await;
    yard.execute("UPDATE log_segments SET pattern_counts = set_byte(pattern_counts, 9, get_byte(pattern_counts, 9) # 1)")
        .await;
    let (from, to) = (yard.now - time::Duration::DAY, yard.now + time::Duration::SECOND);
    let found = yard.patterns(from, to, &[], u64::MAX).await;
    assert_eq!(found.stats.partial, Some(Partial::Damaged));
}

#[tokio::test]
async fn what_many_words_stand_for_is_one_pattern_before_and_after_a_restart() {
    let mut yard = Yard::create().await;
    let scope = yard.org.scope();
    let word = |number: usize| -> String {
        let sign = |shift: usize| char::from(b'g' + (number >> shift & 15) as u8);
        [sign(8), sign(4), sign(0)].iter().collect()
    };
    for round in 0..4 {
        let line = |number: usize| {
            let message = format!("user {} logged in", word(round * 40 + number));
            (scope, yard.now - time::Duration::HOUR, Level::Info, message)
        };
        let lines = (0..40).map(line).collect();
        yard.store(lines).await;
        // A new compactor each time.
        compact_all(&yard.test).await;
    }
    let (from, to) = (yard.now - time::Duration::DAY, yard.now);
    let found = yard.patterns(from, to, &[], u64::MAX).await;
    let general = Template::of(b"user 1 logged in").id;
    assert_eq!(by_id(&found)[&general], 160 - 8);
    assert_eq!(by_id(&found).len(), 9);
    assert_eq!(
        yard.number("SELECT count(*) FROM log_patterns WHERE is_general")
            .await,
        1
    );
    let all = "SELECT count(*) FROM log_patterns";
    assert_eq!(yard.number(all).await, 9);
}

#[tokio::test]
async fn templates_without_lines_are_removed_and_come_back() {
    let mut yard = Yard::create().await;
    yard.write(yard.org.scope(), 100).await;
    let config = CompactorConfig { ..EAGER };
    let mut compactor = Compactor::new(yard.test.db("sightline_compactor"), config);
    compactor.round().await.unwrap().unwrap();
    let templates = "SELECT count(*) FROM log_patterns";
    assert_eq!(yard.number(templates).await, 4);
    let clean = async || match maintenance::cleanup(&yard.test.db("sightline_ingest"))
        .await
        .unwrap()
    {
        Cleanup::Done(report) => report.patterns,
        Cleanup::AlreadyRunning => panic!("nobody else cleans up here"),
    };
    assert_eq!(clean().await, 0);
    yard.execute(
        "UPDATE log_pattern_places SET last_seen = now() - interval '33 days';
         UPDATE log_patterns SET touched_at = now() - interval '2 days' WHERE text <> 'nothing to do'",
    )
    .await;
    assert_eq!(clean().await, 3, "the fourth may be in use");
    // The same compactor knows them, and that it is long ago that it wrote so.
    let later = yard.now + time::Duration::days(2);
    let lines = vec![(yard.org.scope(), later, Level::Info, "order 5 shipped".to_owned())];
    yard.store(lines).await;
    compactor.round().await.unwrap().unwrap();
    assert_eq!(yard.number(templates).await, 2);
}

#[tokio::test]
async fn lines_of_a_service_that_is_gone_are_merged_without_a_registry() {
    let mut yard = Yard::create().await;
    yard.write(yard.org.scope(), 100).await;
    yard.execute("DELETE FROM services").await;
    let report = compact_all(&yard.test).await;
    assert_eq!((report.merges, report.lines), (1, 100));
    assert_eq!(yard.number("SELECT count(*) FROM log_patterns").await, 0);
}
