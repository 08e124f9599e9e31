"""Sends lines with OpenTelemetry's SDK for Python: otlp.py ENDPOINT KEY COUNT START_NANOS http|http-gzip|grpc|grpc-gzip.

Which lines, lines.rs knows too.
"""

import sys

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

endpoint, key, count, start, transport = sys.argv[1:]

if transport.startswith("http"):
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    compression = Compression.Gzip if transport.endswith("gzip") else Compression.NoCompression
    exporter = OTLPLogExporter(f"{endpoint}/v1/logs", headers={"x-api-key": key}, compression=compression)
else:
    import grpc
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

    compression = grpc.Compression.Gzip if transport.endswith("gzip") else grpc.Compression.NoCompression
    headers = (("authorization", f"Bearer {key}"),)
    exporter = OTLPLogExporter(endpoint, insecure=True, headers=headers, compression=compression)

LEVELS = [
    SeverityNumber.TRACE,
    SeverityNumber.DEBUG,
    SeverityNumber.INFO,
    SeverityNumber.WARN,
    SeverityNumber.ERROR,
    SeverityNumber.FATAL,
]

provider = LoggerProvider(Resource.create({"service.name": "shop"}))
provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=70, max_queue_size=10_000))
logger = provider.get_logger("checkout", "1.2.3")
for n in range(int(count)):
    level = LEVELS[n % 6]
    span = trace.SpanContext(0x5CA1AB1E << 96 | n // 10 + 1, n + 1, False, trace.TraceFlags(1))
    logger.emit(
        LogRecord(
            timestamp=int(start) + n * 1_001_000,
            context=trace.set_span_in_context(trace.NonRecordingSpan(span)),
            severity_number=level,
            severity_text=level.name,
            body=f"order {n}: «quoted \"{n}\"»\nsecond line ✓",
            attributes={
                "order.id": n,
                "ratio": n + 0.5,
                "paid": n % 2 == 0,
                "tags": ["a", f"b-{n}"],
                "customer": "Zoë O'Hara",
            },
        )
    )
provider.shutdown()
