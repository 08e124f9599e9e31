//! Merging: nothing is lost or doubled, and what cannot be read stays where it is.

use logstore::compactor::{Compactor, CompactorConfig, Report};
use testkit::TestDb;

/// Merges everything that there is, at once.
pub(crate) async fn compact_all(test: &TestDb) -> Report {
    let config = CompactorConfig {
        rows_after: std::time::Duration::ZERO,
        duty: 1.0,
        eager: true,
    };
    let mut compactor = Compactor::new(test.db("sightline_compactor"), config);
    let report = compactor.round().await.unwrap().unwrap();
    compactor.step_down().await.unwrap();
    report
}
