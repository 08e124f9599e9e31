//! What the database holds of a load, compared with the load's books.

use std::collections::BTreeMap;
use std::time::Duration;

use testkit::{TestDb, eventually};

use crate::load::Entry;

/// Lines and different lines of one batch, and its highest line number.
type Found = BTreeMap<usize, (usize, usize, usize)>;

/// Every acknowledged batch is there once and whole, and no batch is there in part or twice. Batches that were not
/// acknowledged may be there or not.
pub(crate) async fn assert_exactly_once(db: &TestDb, books: &[Entry]) {
    let found = batches(db).await;
    for (number, entry) in books.iter().enumerate() {
        let whole = Some(&(entry.lines, entry.lines, entry.lines - 1));
        match found.get(&number) {
            None if !entry.acknowledged => {}
            here => assert_eq!(
                here, whole,
                "batch {number} of {} lines, as (lines, different, last)",
                entry.lines
            ),
        }
    }
    let strangers: Vec<_> = found.keys().filter(|number| **number >= books.len()).collect();
    assert!(strangers.is_empty(), "batches that nobody sent: {strangers:?}");
    assert_counts_agree(db).await;
}

async fn batches(db: &TestDb) -> Found {
    const SQL: &str = "
        SELECT batch, count(*), count(DISTINCT line), max(line)
        FROM (SELECT split_part(message, ' ', 2)::bigint AS batch, split_part(message, ' ', 4)::bigint AS line
              FROM logs) AS lines
        GROUP BY batch";
    let rows = db.owner().await.query(SQL, &[]).await.unwrap();
    let number =
        |row: &tokio_postgres::Row, column: usize| usize::try_from(row.get::<_, i64>(column)).unwrap();
    rows.iter()
        .map(|row| (number(row, 0), (number(row, 1), number(row, 2), number(row, 3))))
        .collect()
}

/// The counters of histograms and of alerting were written with the lines.
async fn assert_counts_agree(db: &TestDb) {
    const SQL: &str = "
        SELECT (SELECT count(*) FROM logs),
               (SELECT coalesce(sum(count), 0)::bigint FROM log_counts),
               (SELECT coalesce(sum(count), 0)::bigint FROM log_arrivals)";
    let row = db.owner().await.query_one(SQL, &[]).await.unwrap();
    let (lines, counted, arrived): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(
        (counted, arrived),
        (lines, lines),
        "(log_counts, log_arrivals) against the lines"
    );
}

/// Waits until PostgreSQL has ended what the writers of a killed ingest had begun.
pub(crate) async fn writers_are_gone(db: &TestDb) {
    const SQL: &str = "
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'sightline-ingest-writer'";
    let owner = db.owner().await;
    eventually(
        Duration::from_secs(20),
        "the killed writers' sessions to end",
        async || match owner.query_one(SQL, &[]).await.unwrap().get::<_, i64>(0) {
            0 => Ok(()),
            left => Err(format!("{left} sessions")),
        },
    )
    .await;
}
