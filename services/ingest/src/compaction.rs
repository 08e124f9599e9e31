//! Merges what was stored, on one of the replicas, beside everything else that ingest does.

use std::time::Duration;

use db::Db;
use logstore::compactor::{Compactor, CompactorConfig, Report};
use service_kit::Kit;

use crate::config::Compaction;
use crate::metrics;

/// Compacts whenever no other replica does. `db` logs in as `sightline_compactor`.
pub(crate) async fn compact(kit: Kit, db: Db, config: Compaction) {
    let pause = Duration::from_millis(config.compact_pause_ms);
    let mut compactor = Compactor::new(
        db,
        CompactorConfig {
            rows_after: Duration::from_secs(config.compact_rows_after_seconds),
            fresh_after: Duration::from_secs(config.compact_fresh_after_seconds),
            ..CompactorConfig::default()
        },
    );
    let compacting = async {
        loop {
            match compactor.round().await {
                Ok(Some(report)) => show(&report),
                Ok(None) => {} // another replica does
                Err(error) => {
                    tracing::warn!(
                        error = db::causes::chain(&error),
                        "stored lines were not merged: {error}; it is tried again"
                    );
                }
            }
            tokio::time::sleep(pause).await;
        }
    };
    // Cut off in the middle, a merge is rolled back.
    kit.stopping.run_until_cancelled(compacting).await;
    if let Err(error) = compactor.step_down().await {
        tracing::debug!(error = db::causes::chain(&error), "the lead will run out");
    }
}

fn show(report: &Report) {
    metrics::compacted(report);
    if report.merges > 0 {
        tracing::debug!(?report, "merged {} lines", report.lines);
    }
}
