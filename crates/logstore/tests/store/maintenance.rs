//! Partitions stay ahead, and what expired goes.

use db::{Db, leases};
use domain::scope::Scope;
use logstore::maintenance::{self, Cleanup, CleanupReport, Partitions};
use testkit::{Fixture, TestDb};
use tokio_postgres::Client;
use uuid::Uuid;

struct Yard {
    test: TestDb,
    db: Db,
    owner: Client,
    org: Fixture,
}

impl Yard {
    async fn create() -> Self {
        let test = TestDb::create().await;
        let (db, owner) = (test.db("sightline_ingest"), test.owner().await);
        let org = Fixture::org(&test).await;
        Self { test, db, owner, org }
    }

    /// Writes lines and their count as the writer would, so much time ago.
    async fn insert(&self, scope: Scope, age: &str, lines: i32) {
        let sql = format!(
            "WITH line AS (
                 INSERT INTO logs (org_id, service_id, environment_id, ts, level, message)
                 SELECT $1, $2, $3, now() - interval '{age}', 2, '{age}' FROM generate_series(1, $4)
             )
             INSERT INTO log_counts AS c (org_id, service_id, environment_id, minute, level, writer_id, count)
             VALUES ($1, $2, $3, date_trunc('minute', now() - interval '{age}'), 2, 1, $4)
             ON CONFLICT (org_id, service_id, environment_id, minute, level, writer_id)
             DO UPDATE SET count = c.count + excluded.count"
        );
        let Scope {
            org_id,
            service_id,
            environment_id,
        } = scope;
        self.owner
            .execute(&sql, &[&org_id, &service_id, &environment_id, &lines])
            .await
            .unwrap();
    }

    async fn keep_for_days(&self, org: &Fixture, days: i32) {
        let sql = "UPDATE services SET retention_days = $2 WHERE org_id = $1";
        self.owner.execute(sql, &[&org.org_id, &days]).await.unwrap();
    }

    async fn number(&self, sql: &str) -> i64 {
        self.owner.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn messages(&self) -> Vec<String> {
        let sql = "SELECT DISTINCT message FROM logs ORDER BY message";
        let rows = self.owner.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn clean_up(&self) -> CleanupReport {
        match maintenance::cleanup(&self.db).await.unwrap() {
            Cleanup::Done(report) => report,
            Cleanup::AlreadyRunning => panic!("nobody else cleans up here"),
        }
    }
}

#[tokio::test]
async fn partitions_are_made_once_from_two_days_ago_to_seven_ahead() {
    let yard = Yard::create().await;
    let (one, other) = tokio::join!(
        maintenance::make_partitions(&yard.db),
        maintenance::make_partitions(&yard.db)
    );
    assert_eq!(one.unwrap().made + other.unwrap().made, 10);
    let again = maintenance::make_partitions(&yard.db).await.unwrap();
    assert_eq!(again, Partitions { made: 0, skipped: 0 });
    for age in ["0 days", "2 days", "-7 days"] {
        yard.insert(yard.org.scope(), age, 1).await;
    }
    assert_eq!(yard.number("SELECT count(*) FROM ONLY logs_default").await, 0);
    for age in ["3 days", "-8 days"] {
        yard.insert(yard.org.scope(), age, 1).await;
    }
    assert_eq!(yard.number("SELECT count(*) FROM ONLY logs_default").await, 2);
    assert_eq!(yard.number("SELECT count(*) FROM logs").await, 5);
}

#[tokio::test]
async fn a_day_with_stray_lines_stays_in_the_default_partition_and_is_told() {
    let yard = Yard::create().await;
    yard.insert(yard.org.scope(), "-3 days", 1).await;
    let made = maintenance::make_partitions(&yard.db).await.unwrap();
    assert_eq!(made, Partitions { made: 9, skipped: 1 });
    yard.insert(yard.org.scope(), "-3 days", 1).await;
    assert_eq!(yard.number("SELECT count(*) FROM logs").await, 2);
}

#[tokio::test]
async fn lines_go_when_their_own_service_no_longer_keeps_them() {
    let yard = Yard::create().await;
    let patient = Fixture::org(&yard.test).await;
    yard.keep_for_days(&yard.org, 1).await;
    maintenance::make_partitions(&yard.db).await.unwrap();
    for scope in [yard.org.scope(), patient.scope()] {
        yard.insert(scope, "25 hours", 3).await;
        yard.insert(scope, "23 hours", 2).await;
    }
    let report = yard.clean_up().await;
    assert_eq!((report.log_rows, report.count_rows), (3, 1));
    let left = format!("SELECT count(*) FROM logs WHERE org_id = '{}'", yard.org.org_id);
    assert_eq!(yard.number(&left).await, 2);
    let kept = format!("SELECT count(*) FROM logs WHERE org_id = '{}'", patient.org_id);
    assert_eq!(yard.number(&kept).await, 5);
    let counted = "SELECT sum(count)::bigint FROM log_counts";
    assert_eq!(yard.number(counted).await, 7);
    assert_eq!(
        yard.clean_up().await,
        CleanupReport::default(),
        "nothing is left to do"
    );
}

#[tokio::test]
async fn the_counts_of_a_minute_stay_as_long_as_any_line_of_it() {
    let yard = Yard::create().await;
    yard.keep_for_days(&yard.org, 1).await;
    // The retention ends within the minute of this line, and the line is behind that end.
    yard.insert(yard.org.scope(), "1 day", 1).await;
    let first_second = "UPDATE logs SET ts = greatest(ts, date_trunc('minute', now() - interval '1 day')
        + interval '59.999 seconds')";
    yard.owner.execute(first_second, &[]).await.unwrap();
    yard.clean_up().await;
    let lines = yard.number("SELECT count(*) FROM logs").await;
    let counts = yard.number("SELECT count(*) FROM log_counts").await;
    assert!(counts >= lines, "{lines} lines, {counts} counts");
}

#[tokio::test]
async fn lines_of_a_deleted_service_go() {
    let yard = Yard::create().await;
    let other = Fixture::org(&yard.test).await;
    yard.insert(yard.org.scope(), "1 minute", 4).await;
    yard.insert(other.scope(), "2 minutes", 1).await;
    let delete = "DELETE FROM services WHERE org_id = $1";
    yard.owner.execute(delete, &[&yard.org.org_id]).await.unwrap();
    let report = yard.clean_up().await;
    assert_eq!((report.log_rows, report.count_rows), (4, 1));
    assert_eq!(yard.messages().await, ["2 minutes"]);
}

#[tokio::test]
async fn many_expired_lines_go_in_batches_and_old_days_whole() {
    let yard = Yard::create().await;
    yard.keep_for_days(&yard.org, 2).await;
    let make = "SELECT made::bigint FROM make_log_partitions(current_date - 60, current_date - 40)";
    yard.owner.query_one(make, &[]).await.unwrap();
    maintenance::make_partitions(&yard.db).await.unwrap();
    let patient = Fixture::org(&yard.test).await;
    yard.keep_for_days(&patient, 50).await;
    yard.insert(yard.org.scope(), "55 days", 100).await;
    yard.insert(patient.scope(), "55 days", 100).await;
    yard.insert(patient.scope(), "45 days", 1).await;
    yard.insert(yard.org.scope(), "3 days", 23_000).await;
    yard.insert(yard.org.scope(), "1 hour", 1).await;
    let report = yard.clean_up().await;
    assert_eq!(report.partitions.len(), 10, "{:?}", report.partitions);
    assert_eq!(
        report.log_rows, 23_000,
        "the lines of dropped days need no deleting"
    );
    assert_eq!(yard.messages().await, ["1 hour", "45 days"]);
    assert_eq!(yard.number("SELECT sum(count)::bigint FROM log_counts").await, 2);
}

#[tokio::test]
async fn receipts_arrivals_and_rate_buckets_have_their_own_age() {
    let yard = Yard::create().await;
    let (org, key) = (yard.org.org_id, yard.org.api_key_id());
    let service = yard.org.service_id;
    for age in ["23 hours", "25 hours"] {
        let sql = format!(
            "INSERT INTO ingest_receipts (org_id, id, api_key_id, idempotency_key, request_hash, accepted, rejected,
                 created_at)
             VALUES ($1, gen_random_uuid(), $2, '{age}', '', 1, '[]', now() - interval '{age}')"
        );
        yard.owner.execute(&sql, &[&org, &key]).await.unwrap();
    }
    for age in ["34 days", "36 days", "37 days"] {
        let sql = format!(
            "INSERT INTO log_arrivals (org_id, service_id, environment_id, bucket, level, writer_id, count)
             VALUES ($1, $2, $2, now() - interval '{age}', 2, 1, 1)"
        );
        yard.owner.execute(&sql, &[&org, &service]).await.unwrap();
    }
    for age in ["1 minute", "11 minutes"] {
        let sql = format!(
            "INSERT INTO api_key_rate_buckets (org_id, api_key_id, window_start, count)
             VALUES ($1, $2, now() - interval '{age}', 1)"
        );
        yard.owner.execute(&sql, &[&org, &key]).await.unwrap();
    }
    let report = yard.clean_up().await;
    let gone = (report.receipt_rows, report.arrival_rows, report.rate_bucket_rows);
    assert_eq!(gone, (1, 2, 1));
}

#[tokio::test]
async fn a_run_is_recorded_and_a_second_one_at_the_same_time_refused() {
    let yard = Yard::create().await;
    yard.keep_for_days(&yard.org, 1).await;
    yard.insert(yard.org.scope(), "25 hours", 3).await;
    let conn = yard.db.conn("test").await.unwrap();
    let a_minute = std::time::Duration::from_mins(1);
    let other = leases::acquire(&conn, maintenance::CLEANUP, Uuid::new_v4(), a_minute)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        maintenance::cleanup(&yard.db).await.unwrap(),
        Cleanup::AlreadyRunning
    );
    leases::release(&conn, maintenance::CLEANUP, other).await.unwrap();

    let report = yard.clean_up().await;
    let sql = "SELECT outcome, report, finished_at IS NOT NULL FROM cron_runs WHERE job = 'logs.cleanup'";
    let rows = yard.owner.query(sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<_, String>(0), "ok");
    let recorded: serde_json::Value = rows[0].get(1);
    assert_eq!(recorded, serde_json::to_value(&report).unwrap());
    assert_eq!(recorded["log_rows"], 3);
    assert!(rows[0].get::<_, bool>(2));
    // The lease was given back.
    yard.clean_up().await;
}

/// A write under way holds a lock that dropping a partition has to wait for.
#[tokio::test]
async fn a_partition_that_cannot_be_dropped_now_does_not_stop_the_rest() {
    let yard = Yard::create().await;
    yard.keep_for_days(&yard.org, 1).await;
    let make = "SELECT made::bigint FROM make_log_partitions(current_date - 20, current_date - 20)";
    yard.owner.query_one(make, &[]).await.unwrap();
    yard.insert(yard.org.scope(), "25 hours", 3).await;
    let mut writer = yard.test.owner().await;
    let write = writer.transaction().await.unwrap();
    write
        .batch_execute("LOCK TABLE logs IN ROW EXCLUSIVE MODE")
        .await
        .unwrap();
    let report = yard.clean_up().await;
    assert_eq!((report.partitions.len(), report.log_rows), (0, 3));
    write.rollback().await.unwrap();
    assert_eq!(yard.clean_up().await.partitions.len(), 1);
}
