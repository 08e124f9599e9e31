//! OpenTelemetry's own SDKs, over HTTP and gRPC.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use domain::api_key::KeyScope;
use domain::level::Level;
use domain::scope::Scope;
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::{InstrumentationScope, SpanId, TraceFlags, TraceId};
use opentelemetry_otlp::{Compression, LogExporter, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLoggerProvider};
use serde_json::{Value, json};
use testkit::KeySpec;

use crate::lines::{self, COUNT};
use crate::program::{self, Target};

async fn sends_all_its_lines(kind: &str, script: &str, way: &str) {
    if program::left_out() {
        return;
    }
    let target = Target::start(&[("OTLP_GRPC_ADDR", "127.0.0.1:0")]).await;
    let start = lines::start();
    let endpoint = if way.starts_with("grpc") {
        target.address_after("OTLP over gRPC is taken at ")
    } else {
        target.base()
    };
    let (nanos, count) = (lines::nanos(start), COUNT.to_string());
    program::send(
        kind,
        script,
        &[&endpoint, target.org.api_key(), &count, &nanos, way],
    )
    .await;
    lines::assert_stored(&target, start, more()).await;
}

/// What these SDKs say of each line beside what all clients do.
fn more() -> Value {
    json!({"otel.scope.name": "checkout", "otel.scope.version": "1.2.3", "flags": 1})
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
async fn the_python_sdk_sends_all_its_lines_to_the_service_that_it_names() {
    if program::left_out() {
        return;
    }
    let target = Target::start(&[]).await;
    let spec = KeySpec {
        scopes: KeyScope::ALL.to_vec(),
        ..KeySpec::default()
    };
    let (_, key) = target.org.insert_key(&target.stack.db, &spec).await;
    let start = lines::start();
    let (nanos, count) = (lines::nanos(start), COUNT.to_string());
    program::send(
        "python",
        "otlp.py",
        &[&target.base(), &key, &count, &nanos, "http"],
    )
    .await;
    let sql =
        "SELECT s.id, e.id FROM services s JOIN environments e ON e.org_id = s.org_id AND e.service_id = s.id
               WHERE s.org_id = $1 AND s.name = 'shop' AND e.name = 'production'";
    let owner = target.stack.db.owner().await;
    let made = owner.query_one(sql, &[&target.org.org_id]).await.unwrap();
    let scope = Scope {
        org_id: target.org.org_id,
        service_id: made.get(0),
        environment_id: made.get(1),
    };
    lines::assert_stored_in(&target, scope, start, more()).await;

    let metrics = reqwest::get(format!("{}/metrics", target.base())).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let counted = format!(r#"ingest_routed_lines_total{{outcome="routed"}} {COUNT}"#);
    assert!(metrics.contains(&counted), "{metrics}");
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

#[tokio::test]
async fn the_python_sdk_sends_all_its_lines_over_grpc() {
    sends_all_its_lines("python", "otlp.py", "grpc").await;
}

#[tokio::test]
async fn the_python_sdk_sends_all_its_lines_over_grpc_in_gzip() {
    sends_all_its_lines("python", "otlp.py", "grpc-gzip").await;
}

fn rust_sdk(target: &Target) -> SdkLoggerProvider {
    testkit::install_crypto();
    let key = ("x-api-key".to_owned(), target.org.api_key().to_owned());
    let exporter = LogExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_compression(Compression::Gzip)
        .with_endpoint(format!("{}/v1/logs", target.base()))
        .with_headers(HashMap::from([key]))
        .build()
        .unwrap();
    let resource = Resource::builder().with_service_name("shop").build();
    SdkLoggerProvider::builder()
        .with_resource(resource)
        .with_log_processor(BatchLogProcessor::builder(exporter).build())
        .build()
}

fn severity_of(level: Level) -> Severity {
    match level {
        Level::Trace => Severity::Trace,
        Level::Debug => Severity::Debug,
        Level::Info => Severity::Info,
        Level::Warn => Severity::Warn,
        Level::Error => Severity::Error,
        Level::Fatal => Severity::Fatal,
    }
}

#[tokio::test]
async fn the_rust_sdk_sends_all_its_lines() {
    let target = Target::start(&[]).await;
    let start = lines::start();
    let provider = rust_sdk(&target);
    let scope = InstrumentationScope::builder("checkout")
        .with_version("1.2.3")
        .build();
    let logger = provider.logger_with_scope(scope);
    for n in 0..COUNT {
        let severity = severity_of(lines::LEVELS[n % 6]);
        let mut record = logger.create_log_record();
        record.set_timestamp(SystemTime::from(start) + Duration::from_micros(1_001 * n as u64));
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        record.set_body(format!("order {n}: «quoted \"{n}\"»\nsecond line ✓").into());
        record.add_attribute("order.id", n as i64);
        record.add_attribute("ratio", n as f64 + 0.5);
        record.add_attribute("paid", n.is_multiple_of(2));
        let tags = vec![AnyValue::from("a"), AnyValue::from(format!("b-{n}"))];
        record.add_attribute("tags", AnyValue::ListAny(Box::new(tags)));
        record.add_attribute("customer", "Zoë O'Hara");
        let trace_id = TraceId::from(0x5ca1_ab1e << 96 | (n as u128 / 10 + 1));
        record.set_trace_context(trace_id, SpanId::from(n as u64 + 1), Some(TraceFlags::SAMPLED));
        logger.emit(record);
    }
    // It blocks until all is sent.
    tokio::task::spawn_blocking(move || provider.shutdown())
        .await
        .unwrap()
        .unwrap();
    lines::assert_stored(&target, start, more()).await;
}
