//! Errors by template, as they arrived: each counts once, whatever form it is in.

use std::collections::BTreeMap;

use domain::alerting::history::Series;
use domain::level::Level;
use domain::patterns::{Template, TemplateId};
use domain::scope::Scope;
use logstore::patterns::errors::{Asked, ErrorReader, Errors};
use time::{Duration, OffsetDateTime};

use crate::compactor::compact_all;
use crate::patterns::Yard;

const COUNTED: &str = "SELECT coalesce(sum(lines), 0)::bigint FROM log_error_arrivals";

async fn read(yard: &Yard, reader: &ErrorReader, with_known: bool, from: OffsetDateTime) -> Errors {
    let scopes = [
        (yard.org.service_id, yard.org.production),
        (yard.org.service_id, yard.org.staging),
    ];
    let db = yard.test.db("sightline_alerting");
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant_snapshot(yard.org.org_id).await.unwrap();
    let asked = Asked {
        scopes: &scopes,
        from,
        until: from + Duration::hours(3),
        with_known,
    };
    reader.read(&tx, asked).await.unwrap()
}

type ByPattern = BTreeMap<(usize, TemplateId), (Series, OffsetDateTime)>;

fn by_pattern(errors: &Errors) -> ByPattern {
    assert!(!errors.is_partial);
    let found = errors.found.iter();
    found
        .map(|one| {
            let key = (one.place, one.pattern.id);
            (key, (one.lines.clone(), one.pattern.known_since))
        })
        .collect()
}

/// The errors among the lines that were stored, by place and template.
fn expected(yard: &Yard) -> BTreeMap<(usize, TemplateId), u64> {
    let mut counts = BTreeMap::new();
    for (scope, _, level, message) in &yard.lines {
        if level.is_error() {
            let place = usize::from(scope.environment_id == yard.org.staging);
            let id = Template::of(message.as_bytes()).id;
            *counts.entry((place, id)).or_default() += 1;
        }
    }
    counts
}

async fn an_hour_ago(yard: &Yard) -> OffsetDateTime {
    let sql = "SELECT date_trunc('minute', now()) - interval '1 hour'";
    yard.test.owner().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn each_error_counts_once_by_its_arrival_before_and_after_it_is_merged() {
    let mut yard = Yard::create().await;
    let production = yard.org.scope();
    let staging = Scope {
        environment_id: yard.org.staging,
        ..production
    };
    let reader = ErrorReader::new();
    let from = an_hour_ago(&yard).await;
    for round in 0..3 {
        yard.write(production, 300).await;
        yard.write(staging, 60).await;
        yard.write(production, 9).await;
        let before = by_pattern(&read(&yard, &reader, true, from).await);
        let counted: BTreeMap<_, u64> = before
            .iter()
            .map(|(key, (lines, _))| (*key, lines.between(from, from + Duration::hours(3)).errors))
            .collect();
        assert_eq!(
            counted,
            expected(&yard),
            "round {round}: by arrival, whatever their own time"
        );
        if round < 2 {
            compact_all(&yard.test).await;
            let after = by_pattern(&read(&yard, &reader, true, from).await);
            assert_eq!(before, after, "round {round}: merging changes nothing");
        }
    }
    // Merged once more, and moved to another day.
    compact_all(&yard.test).await;
    let before = by_pattern(&read(&yard, &reader, true, from).await);
    let lines: u64 = expected(&yard).values().sum();
    assert_eq!(yard.number(COUNTED).await, lines as i64);
    yard.execute("UPDATE services SET retention_days = 60").await;
    compact_all(&yard.test).await;
    assert_eq!(yard.number(COUNTED).await, lines as i64);
    assert_eq!(by_pattern(&read(&yard, &reader, true, from).await), before);
}

#[tokio::test]
async fn what_was_known_before_is_told_from_what_is_new() {
    let mut yard = Yard::create().await;
    let scope = yard.org.scope();
    let from = an_hour_ago(&yard).await;
    let line = |message: &str| vec![(scope, yard.now, Level::Error, message.to_owned())];
    let (old, new) = (line("disk 7 is full"), line("lease 7 was lost"));
    yard.store(old.clone()).await;
    compact_all(&yard.test).await;
    yard.execute(
        "UPDATE log_error_arrivals SET bucket = bucket - interval '5 hours';
         UPDATE log_pattern_places SET recorded_at = recorded_at - interval '5 hours'",
    )
    .await;
    yard.store(old).await;
    yard.store(new).await;
    let reader = ErrorReader::new();
    for merged in [false, true] {
        if merged {
            compact_all(&yard.test).await;
        }
        let all = read(&yard, &reader, true, from).await.found;
        let texts: BTreeMap<&str, bool> = all
            .iter()
            .map(|one| (one.pattern.text.as_str(), one.last_before.is_some()))
            .collect();
        assert_eq!(
            texts,
            BTreeMap::from([("disk <*> is full", true), ("lease <*> was lost", false)])
        );
        let new = read(&yard, &reader, false, from).await.found;
        assert_eq!(new.len(), 1, "merged: {merged}");
        assert_eq!(new[0].pattern.text, "lease <*> was lost");
    }
}

#[tokio::test]
async fn arrivals_of_errors_expire_with_the_history_that_is_replayed() {
    let mut yard = Yard::create().await;
    let scope = yard.org.scope();
    let line = (scope, yard.now, Level::Fatal, "out of memory".to_owned());
    yard.store(vec![line.clone()]).await;
    compact_all(&yard.test).await;
    yard.execute("UPDATE log_error_arrivals SET bucket = bucket - interval '36 days'")
        .await;
    yard.store(vec![line]).await;
    compact_all(&yard.test).await;
    let cleaned = logstore::maintenance::cleanup(&yard.test.db("sightline_ingest"))
        .await
        .unwrap();
    let logstore::maintenance::Cleanup::Done(report) = cleaned else {
        panic!("nobody else cleans up here");
    };
    assert_eq!(report.error_arrival_rows, 1);
    assert_eq!(yard.number(COUNTED).await, 1);
}
