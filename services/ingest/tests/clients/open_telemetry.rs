//! OpenTelemetry's own SDKs, over HTTP.

use serde_json::json;

use crate::lines::{self, COUNT};
use crate::program::{self, Target};

async fn sends_all_its_lines(kind: &str, script: &str, way: &str) {
    if program::left_out() {
        return;
    }
    let target = Target::start(&[]).await;
    let start = lines::start();
    let (base, nanos, count) = (target.base(), lines::nanos(start), COUNT.to_string());
    program::send(kind, script, &[&base, target.org.api_key(), &count, &nanos, way]).await;
    let more = json!({"otel.scope.name": "checkout", "otel.scope.version": "1.2.3", "flags": 1});
    lines::assert_stored(&target, start, more).await;
}

#[tokio::test]
async fn the_python_sdk_sends_all_its_lines() {
    sends_all_its_lines("python", "otlp.py", "http").await;
}

#[tokio::test]
async fn the_python_sdk_sends_all_its_lines_in_gzip() {
    sends_all_its_lines("python", "otlp.py", "http-gzip").await;
}

#[tokio::test]
async fn the_node_sdk_sends_all_its_lines_as_json() {
    sends_all_its_lines("node", "otlp.cjs", "json").await;
}

#[tokio::test]
async fn the_node_sdk_sends_all_its_lines_as_protobuf() {
    sends_all_its_lines("node", "otlp.cjs", "protobuf").await;
}

#[tokio::test]
async fn the_node_sdk_sends_all_its_lines_as_protobuf_in_gzip() {
    sends_all_its_lines("node", "otlp.cjs", "protobuf-gzip").await;
}
