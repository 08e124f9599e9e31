//! JSON logs on standard output, and Prometheus metrics.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts JSON logs (filtered by `RUST_LOG`, default `info`), the metrics recorder and the TLS provider. Call it once,
/// first thing in `main`; later calls (tests start many services in one process) do nothing.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
    let _ = rustls::crypto::ring::default_provider().install_default();
    metrics_handle();
}

/// What `/metrics` renders.
pub(crate) fn metrics_handle() -> &'static PrometheusHandle {
    METRICS.get_or_init(|| {
        // Latencies from 1 ms to 30 s: what our deadlines can produce.
        const BUCKETS: [f64; 13] = [
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
        ];
        // Histograms of sizes are named `…_rows` or `…_bytes`: from one to what our limits let pass.
        const SIZES: [f64; 9] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
        let sizes = |suffix: &str| Matcher::Suffix(suffix.to_owned());
        let builder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .and_then(|builder| builder.set_buckets_for_metric(sizes("_rows"), &SIZES))
            .and_then(|builder| builder.set_buckets_for_metric(sizes("_bytes"), &SIZES))
            .unwrap_or_else(|_empty| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        let _ = metrics::set_global_recorder(recorder);
        handle
    })
}

/// Folds samples into their buckets until told to stop: otherwise they pile up in memory from one scrape to the next, and
/// for ever where nobody scrapes.
pub(crate) async fn upkeep(stop: CancellationToken) {
    const EVERY: Duration = Duration::from_secs(5);
    while stop
        .run_until_cancelled(tokio::time::sleep(EVERY))
        .await
        .is_some()
    {
        metrics_handle().run_upkeep();
    }
}
