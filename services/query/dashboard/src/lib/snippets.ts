/** What to paste into an application or an agent, with the address and the key filled in. */

export interface Snippet {
  id: string;
  name: string;
  /** What to know before pasting. */
  note: string;
  text: string;
}

export function snippets(address: string, key: string): Snippet[] {
  const url = new URL(address);
  const host = url.hostname;
  const tls = url.protocol === 'https:';
  const port = url.port || (tls ? '443' : '80');
  const logs = `${address}/v1/logs`;
  return [
    {
      id: 'curl',
      name: 'curl',
      note: 'Paste it into a terminal: the line appears below within a second.',
      text: `curl -sS ${address}/api/v1/logs/ingest \\
  -H 'X-API-Key: ${key}' -H 'Content-Type: application/json' \\
  -d '{"level":"info","message":"hello from my terminal","meta":{"user":"me"}}'`,
    },
    {
      id: 'python',
      name: 'Python',
      note: 'pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http',
      text: `import logging
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

provider = LoggerProvider()
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(
    endpoint="${logs}", headers={"X-API-Key": "${key}"})))
logging.basicConfig(level=logging.INFO)
logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))

logging.info("hello from Python")
provider.shutdown()  # at the end of the program: sends what is left`,
    },
    {
      id: 'node',
      name: 'Node.js',
      note: 'npm install @opentelemetry/api-logs @opentelemetry/sdk-logs @opentelemetry/exporter-logs-otlp-http',
      text: `import { SeverityNumber } from '@opentelemetry/api-logs';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';

const exporter = new OTLPLogExporter({ url: '${logs}', headers: { 'X-API-Key': '${key}' } });
const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor(exporter)] });
const logger = provider.getLogger('app');

logger.emit({ severityNumber: SeverityNumber.INFO, severityText: 'INFO', body: 'hello from Node.js' });
await provider.shutdown(); // at the end of the program: sends what is left`,
    },
    {
      id: 'rust',
      name: 'Rust',
      note: 'cargo add opentelemetry-appender-tracing opentelemetry_sdk --features opentelemetry_sdk/logs; cargo add opentelemetry-otlp --features http-proto,logs,reqwest-blocking-client; cargo add tracing tracing-subscriber',
      text: `use std::collections::HashMap;
use opentelemetry_otlp::{LogExporter, WithExportConfig, WithHttpConfig};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exporter = LogExporter::builder()
        .with_http()
        .with_endpoint("${logs}")
        .with_headers(HashMap::from([("X-API-Key".into(), "${key}".into())]))
        .build()?;
    let provider = opentelemetry_sdk::logs::SdkLoggerProvider::builder()
        .with_batch_exporter(exporter)
        .build();
    let layer = opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge::new(&provider);
    tracing_subscriber::registry().with(layer).init();

    tracing::info!(order = 4711, "hello from Rust");
    provider.shutdown()?; // at the end of the program: sends what is left
    Ok(())
}`,
    },
    {
      id: 'go',
      name: 'Go',
      note: 'go get go.opentelemetry.io/contrib/bridges/otelslog go.opentelemetry.io/otel/sdk/log go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp',
      text: `package main

import (
	"context"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/sdk/log"
)

func main() {
	ctx := context.Background()
	exporter, err := otlploghttp.New(ctx,
		otlploghttp.WithEndpointURL("${logs}"),
		otlploghttp.WithHeaders(map[string]string{"X-API-Key": "${key}"}))
	if err != nil {
		panic(err)
	}
	provider := log.NewLoggerProvider(log.WithProcessor(log.NewBatchProcessor(exporter)))
	defer provider.Shutdown(ctx) // sends what is left

	otelslog.NewLogger("app", otelslog.WithLoggerProvider(provider)).Info("hello from Go")
}`,
    },
    {
      id: 'java',
      name: 'Java',
      note: 'With the OpenTelemetry Java agent, which takes what Logback, Log4j and java.util.logging write. Nothing in the code changes.',
      text: `export OTEL_LOGS_EXPORTER=otlp OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=none
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=${logs}
export OTEL_EXPORTER_OTLP_HEADERS="X-API-Key=${key}"
java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
    },
    {
      id: 'fluent-bit',
      name: 'Fluent Bit',
      note: 'fluent-bit.yaml; follows every file in /var/log that ends in .log.',
      text: `pipeline:
  inputs:
    - name: tail
      path: /var/log/*.log
  outputs:
    - name: opentelemetry
      match: '*'
      host: ${host}
      port: ${port}
      tls: ${tls ? 'on' : 'off'}
      logs_uri: /v1/logs
      logs_body_key: $log
      header: X-API-Key ${key}`,
    },
    {
      id: 'vector',
      name: 'Vector',
      note: 'vector.yaml; follows every file in /var/log that ends in .log.',
      text: `sources:
  files:
    type: file
    include: ['/var/log/*.log']
sinks:
  sightline:
    type: http
    inputs: [files]
    uri: ${address}/api/v1/logs/ingest
    encoding:
      codec: json
    framing:
      method: newline_delimited
    compression: gzip
    request:
      headers:
        X-API-Key: ${key}
        Content-Type: application/x-ndjson`,
    },
    {
      id: 'docker',
      name: 'Docker',
      note: 'Docker’s own Splunk driver; the container’s output goes there as it is written.',
      text: `docker run --log-driver=splunk \\
  --log-opt splunk-url=${address} \\
  --log-opt splunk-token=${key} \\
  --log-opt splunk-format=raw --log-opt splunk-verify-connection=false \\
  alpine echo hello from Docker`,
    },
    {
      id: 'syslog',
      name: 'syslog',
      note: 'Taken where the operator has opened a port for it (SYSLOG_TCP_ADDR of ingest); 5514 is assumed here.',
      text: `logger --server ${host} --port 5514 --tcp --rfc5424 \\
  --sd-id sightline@1 --sd-param 'token="${key}"' 'hello from syslog'`,
    },
  ];
}
