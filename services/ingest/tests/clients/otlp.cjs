// Sends lines with OpenTelemetry's SDK for Node.js: otlp.cjs BASE KEY COUNT START_NANOS json|protobuf|protobuf-gzip.
// Which lines, lines.rs knows too.
'use strict';

const { ROOT_CONTEXT, trace } = require('@opentelemetry/api');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BatchLogRecordProcessor, LoggerProvider } = require('@opentelemetry/sdk-logs');

const [base, key, count, start, writing] = process.argv.slice(2);
const { OTLPLogExporter } = require(
  writing === 'json' ? '@opentelemetry/exporter-logs-otlp-http' : '@opentelemetry/exporter-logs-otlp-proto',
);
const exporter = new OTLPLogExporter({
  url: `${base}/v1/logs`,
  headers: { 'x-api-key': key },
  compression: writing.endsWith('gzip') ? 'gzip' : 'none',
});
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const hex = (number, digits) => number.toString(16).padStart(digits, '0');

async function main() {
  const processor = new BatchLogRecordProcessor({ exporter, maxExportBatchSize: 70, maxQueueSize: 10000 });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    processors: [processor],
  });
  const logger = provider.getLogger('checkout', '1.2.3');
  for (let n = 0; n < Number(count); n += 1) {
    const nanos = BigInt(start) + BigInt(n) * 1001000n;
    const span = { traceId: `5ca1ab1e${hex(Math.floor(n / 10) + 1, 24)}`, spanId: hex(n + 1, 16), traceFlags: 1 };
    logger.emit({
      timestamp: [Number(nanos / 1000000000n), Number(nanos % 1000000000n)],
      context: trace.setSpanContext(ROOT_CONTEXT, span),
      severityNumber: SeverityNumber[levels[n % 6]],
      severityText: levels[n % 6],
      body: `order ${n}: «quoted "${n}"»\nsecond line ✓`,
      attributes: {
        'order.id': n,
        ratio: n + 0.5,
        paid: n % 2 === 0,
        tags: ['a', `b-${n}`],
        customer: "Zoë O'Hara",
      },
    });
  }
  await provider.shutdown();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
