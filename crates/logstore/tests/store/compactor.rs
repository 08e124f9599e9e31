//! Merging: nothing is lost or doubled, and what cannot be read stays where it is.

use std::sync::Arc;
use std::time::Duration;

use db::DbConfig;
use domain::level::Level;
use domain::log_record::NewLog;
use domain::scope::Scope;
use logstore::compactor::{Compactor, CompactorConfig, Report};
use logstore::maintenance;
use logstore::writer::{Batch, Writer, WriterConfig};
use testkit::{Fixture, TestDb, stored};
use time::OffsetDateTime;

/// Merges whatever there is.
pub(crate) const EAGER: CompactorConfig = CompactorConfig {
    rows_after: Duration::ZERO,
    fresh_after: Duration::ZERO,
    hours_after: Duration::from_mins(2),
    row_bytes: 64 << 20,
    duty: 1.0,
    behind_lines: 0,
    eager: true,
};

/// Merges everything that there is, at once.
pub(crate) async fn compact_all(test: &TestDb) -> Report {
    let mut compactor = Compactor::new(test.db("sightline_compactor"), EAGER);
    let report = compactor.round().await.unwrap().unwrap();
    compactor.step_down().await.unwrap();
    report
}

/// A database with an organisation, and a writer.
struct Yard {
    db: TestDb,
    org: Fixture,
    writer: Writer,
}

impl Yard {
    async fn create() -> Self {
        let db = TestDb::create().await;
        let org = Fixture::org(&db).await;
        let config = WriterConfig::new(DbConfig::new(db.url_for("sightline_ingest"), "test-writer"));
        let writer = Writer::start(&config, Arc::new(|_| {}));
        Self { db, org, writer }
    }

    /// Stores lines of one request, a second apart, ending at a time of the database's clock.
    async fn write(&self, scope: Scope, name: &str, count: usize, ago: time::Duration) {
        let now = self.now().await - ago;
        let messages: Vec<String> = (0..count).map(|number| format!("{name} {number}")).collect();
        let lines: Vec<NewLog<'_>> = messages
            .iter()
            .enumerate()
            .map(|(number, message)| NewLog {
                ts: now - time::Duration::seconds((count - number) as i64),
                level: Level::Info,
                message: message.as_str().into(),
                meta: Some(r#"{"a":[1,"x"]}"#.into()),
                trace_id: None,
                request_id: Some("r".into()),
            })
            .collect();
        let batch = Batch::of(scope, time::Duration::days(30), &lines).unwrap();
        self.writer.append(batch, None).await.unwrap();
    }

    async fn now(&self) -> OffsetDateTime {
        let row = self
            .db
            .owner()
            .await
            .query_one("SELECT now()", &[])
            .await
            .unwrap();
        row.get(0)
    }

    async fn number(&self, sql: &str) -> i64 {
        self.db.owner().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn execute(&self, sql: &str) {
        self.db.owner().await.batch_execute(sql).await.unwrap();
    }
}

const MERGED: &str = "SELECT count(*) FROM log_segments";
const FRESH: &str = "SELECT count(*) FROM log_segments_fresh";
const LOOSE: &str = "SELECT count(*) FROM logs";

#[tokio::test]
async fn long_rows_are_taken_a_few_at_a_time() {
    let yard = Yard::create().await;
    for number in 0..20 {
        yard.write(
            yard.org.scope(),
            &format!("{number} {}", "x".repeat(1_000)),
            1,
            time::Duration::ZERO,
        )
        .await;
    }
    let before = stored::lines(&yard.db).await;
    let config = CompactorConfig {
        row_bytes: 5_000,
        ..EAGER
    };
    let mut compactor = Compactor::new(yard.db.db("sightline_compactor"), config);
    let report = compactor.round().await.unwrap().unwrap();
    assert_eq!(report.rows_in, 20, "all of them");
    assert!(report.merges >= 4, "five at a time: {report:?}");
    assert_eq!(stored::lines(&yard.db).await, before);
}

#[tokio::test]
async fn rows_and_segments_become_one_segment_and_no_line_changes() {
    let yard = Yard::create().await;
    let scope = yard.org.scope();
    for (name, count) in [("long", 500), ("short", 10), ("longer", 1_000), ("one", 1)] {
        yard.write(scope, name, count, time::Duration::ZERO).await;
    }
    assert_eq!(
        (yard.number(FRESH).await, yard.number(LOOSE).await),
        (2, 11),
        "each form is there"
    );
    let before = stored::lines(&yard.db).await;
    let report = compact_all(&yard.db).await;
    assert_eq!(
        (
            report.segments_in,
            report.rows_in,
            report.segments_out,
            report.lines
        ),
        (2, 11, 1, 1_511),
        "{report:?}"
    );
    assert_eq!(
        (
            yard.number(MERGED).await,
            yard.number(FRESH).await,
            yard.number(LOOSE).await
        ),
        (1, 0, 0)
    );
    assert_eq!(stored::lines(&yard.db).await, before);
    assert_eq!(
        compact_all(&yard.db).await.merges,
        0,
        "there is nothing left to merge"
    );
}

#[tokio::test]
async fn organisations_services_and_days_are_not_mixed() {
    let yard = Yard::create().await;
    let other = Fixture::org(&yard.db).await;
    let staging = Scope {
        environment_id: yard.org.staging,
        ..yard.org.scope()
    };
    for scope in [yard.org.scope(), staging, other.scope()] {
        for days in [0, 3] {
            yard.write(scope, "a", 100, time::Duration::days(days)).await;
            yard.write(scope, "b", 100, time::Duration::days(days)).await;
        }
    }
    let before = stored::lines(&yard.db).await;
    let report = compact_all(&yard.db).await;
    // A batch may lie across midnight.
    assert!((6..=9).contains(&report.segments_out), "{report:?}");
    assert_eq!(stored::lines(&yard.db).await, before);
}

#[tokio::test]
async fn what_is_young_and_little_waits() {
    let yard = Yard::create().await;
    yard.write(yard.org.scope(), "a", 100, time::Duration::ZERO).await;
    yard.write(yard.org.scope(), "b", 1, time::Duration::ZERO).await;
    let mut patient = Compactor::new(yard.db.db("sightline_compactor"), CompactorConfig::default());
    assert_eq!(patient.round().await.unwrap().unwrap().merges, 0);
    yard.execute("UPDATE log_segments_fresh SET created_at = now() - interval '11 minutes'")
        .await;
    let report = patient.round().await.unwrap().unwrap();
    assert_eq!((report.segments_in, report.rows_in), (1, 0), "{report:?}");
}

#[tokio::test]
async fn one_compacts_at_a_time_and_one_that_lost_its_lease_changes_nothing() {
    let yard = Yard::create().await;
    yard.write(yard.org.scope(), "a", 100, time::Duration::ZERO).await;
    let mut first = Compactor::new(yard.db.db("sightline_compactor"), EAGER);
    let mut second = Compactor::new(yard.db.db("sightline_compactor"), EAGER);
    assert!(first.round().await.unwrap().is_some());
    assert_eq!(second.round().await.unwrap(), None, "the first holds the lease");
    yard.execute("UPDATE leases SET expires_at = now() - interval '1 second'")
        .await;
    assert!(second.round().await.unwrap().is_some());
    assert_eq!(first.round().await.unwrap(), None);
}

/// Whatever its place: what lies between others by its time is not taken away with them.
#[rstest::rstest]
#[case::oldest(0)]
#[case::between(1)]
#[case::newest(2)]
#[tokio::test]
async fn a_damaged_segment_stays_and_the_others_are_merged(#[case] place: usize) {
    let yard = Yard::create().await;
    for name in ["a", "b", "c"] {
        yard.write(yard.org.scope(), name, 100, time::Duration::ZERO)
            .await;
    }
    yard.execute(&format!(
        "UPDATE log_segments_fresh SET message_col = overlay(message_col PLACING '\\x00' FROM 5)
         WHERE id = (SELECT id FROM log_segments_fresh ORDER BY max_ts OFFSET {place} LIMIT 1)",
    ))
    .await;
    let report = compact_all(&yard.db).await;
    assert_eq!(
        (report.damaged, report.segments_in, report.lines),
        (1, 2, 200),
        "{report:?}"
    );
    assert_eq!((yard.number(MERGED).await, yard.number(FRESH).await), (1, 1));
}

#[tokio::test]
async fn lines_follow_a_changed_retention_and_go_with_their_day() {
    let yard = Yard::create().await;
    yard.write(yard.org.scope(), "kept", 100, time::Duration::days(20))
        .await;
    compact_all(&yard.db).await;
    let days_left = "SELECT (expires_on - current_date)::bigint FROM log_segments";
    assert!((9..=12).contains(&yard.number(days_left).await));
    yard.execute("UPDATE services SET retention_days = 90").await;
    assert_eq!(compact_all(&yard.db).await.moved, 1);
    assert!((69..=72).contains(&yard.number(days_left).await));
    assert_eq!(stored::lines(&yard.db).await.len(), 100);
    // Shortened so far that they are past it: they go to the next day that is dropped.
    yard.execute("UPDATE services SET retention_days = 7").await;
    assert_eq!(compact_all(&yard.db).await.moved, 1);
    assert_eq!(yard.number(days_left).await, 1);
    assert_eq!(compact_all(&yard.db).await.moved, 0, "it has arrived");
}

#[tokio::test]
async fn a_day_that_is_over_is_dropped_unless_a_service_still_keeps_its_lines() {
    let yard = Yard::create().await;
    yard.write(yard.org.scope(), "old", 100, time::Duration::days(20))
        .await;
    compact_all(&yard.db).await;
    // As if it had been moved there by a shorter retention, which was lengthened since.
    yard.execute(
        "SELECT make_segment_partition(current_date);
         UPDATE log_segments SET expires_on = current_date;
         UPDATE services SET retention_days = 30",
    )
    .await;
    let ingest = yard.db.db("sightline_ingest");
    maintenance::cleanup(&ingest).await.unwrap();
    assert_eq!(stored::lines(&yard.db).await.len(), 100, "the service keeps them");
    yard.execute("UPDATE services SET retention_days = 7").await;
    let report = match maintenance::cleanup(&ingest).await.unwrap() {
        maintenance::Cleanup::Done(report) => report,
        maintenance::Cleanup::AlreadyRunning => panic!("nobody else cleans up"),
    };
    assert!(
        report
            .partitions
            .iter()
            .any(|part| part.starts_with("log_segments_")),
        "{report:?}"
    );
    assert_eq!(stored::lines(&yard.db).await, []);
}

#[tokio::test]
async fn lines_of_a_deleted_service_are_removed() {
    let yard = Yard::create().await;
    let other = Fixture::org(&yard.db).await;
    for org in [&yard.org, &other] {
        yard.write(org.scope(), "merged", 100, time::Duration::ZERO).await;
    }
    compact_all(&yard.db).await;
    for org in [&yard.org, &other] {
        yard.write(org.scope(), "fresh", 100, time::Duration::ZERO).await;
        yard.write(org.scope(), "loose", 1, time::Duration::ZERO).await;
    }
    yard.execute(&format!("DELETE FROM orgs WHERE id = '{}'", yard.org.org_id))
        .await;
    maintenance::cleanup(&yard.db.db("sightline_ingest"))
        .await
        .unwrap();
    let left = stored::lines(&yard.db).await;
    assert_eq!(left.len(), 201);
    assert!(left.iter().all(|line| line.scope == other.scope()));
}

#[tokio::test]
async fn an_hour_that_is_over_and_empty_is_given_back_after_a_while() {
    let yard = Yard::create().await;
    yard.execute(
        "CREATE TABLE log_segments_fresh_2020010100 (LIKE log_segments_fresh INCLUDING ALL);
         ALTER TABLE log_segments_fresh ATTACH PARTITION log_segments_fresh_2020010100
             FOR VALUES FROM ('2020-01-01 00:00Z') TO ('2020-01-01 01:00Z')",
    )
    .await;
    assert_eq!(
        compact_all(&yard.db).await.hours_dropped,
        0,
        "a search may still look into it"
    );
    let row = yard.db.owner().await;
    let dropped = row.query_one(
        "SELECT drop_fresh_partition('log_segments_fresh_2020010100')",
        &[],
    );
    assert!(dropped.await.unwrap().get::<_, bool>(0));
    let refused = row.query_one("SELECT drop_fresh_partition('log_segments_fresh_default')", &[]);
    assert!(!refused.await.unwrap().get::<_, bool>(0));
}
