//! What the database holds of a load, compared with the load's books.

use std::collections::{BTreeMap, BTreeSet};
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
    let mut batches: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (message, count) in testkit::stored::messages(db).await {
        let word = |place: usize| message.split(' ').nth(place).unwrap().parse::<usize>().unwrap();
        let lines = batches.entry(word(1)).or_default();
        lines.extend(std::iter::repeat_n(word(3), usize::try_from(count).unwrap()));
    }
    let found = |lines: &Vec<usize>| {
        let different: BTreeSet<&usize> = lines.iter().collect();
        (
            lines.len(),
            different.len(),
            lines.iter().max().copied().unwrap_or_default(),
        )
    };
    batches
        .iter()
        .map(|(batch, lines)| (*batch, found(lines)))
        .collect()
}

/// The counters of histograms and of alerting were written with the lines.
async fn assert_counts_agree(db: &TestDb) {
    const SQL: &str = "
        SELECT (SELECT coalesce(sum(count), 0)::bigint FROM log_counts),
               (SELECT coalesce(sum(count), 0)::bigint FROM log_arrivals)";
    let row = db.owner().await.query_one(SQL, &[]).await.unwrap();
    let (counted, arrived): (i64, i64) = (row.get(0), row.get(1));
    let lines = i64::try_from(testkit::stored::lines(db).await.len()).unwrap();
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
