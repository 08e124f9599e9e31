"""Sends lines with Elastic's client for Python: bulk.py BASE KEY COUNT START_NANOS. Which lines, lines.rs knows too."""

import sys
from datetime import datetime, timedelta, timezone

from elasticsearch import Elasticsearch, helpers

base, key, count, start = sys.argv[1:]
begin = datetime.fromtimestamp(int(start) // 1_000_000_000, timezone.utc) + timedelta(
    microseconds=int(start) % 1_000_000_000 // 1_000
)
client = Elasticsearch(base, api_key=key, http_compress=True)
levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]


def documents():
    for n in range(int(count)):
        yield {
            "_op_type": "create",
            "_index": "logs-shop-default",
            "@timestamp": begin + timedelta(microseconds=n * 1_001),
            "log.level": levels[n % 6],
            "message": f"order {n}: «quoted \"{n}\"»\nsecond line ✓",
            "trace.id": f"{0x5CA1AB1E << 96 | n // 10 + 1:032x}",
            "span_id": f"{n + 1:016x}",
            "order.id": n,
            "ratio": n + 0.5,
            "paid": n % 2 == 0,
            "tags": ["a", f"b-{n}"],
            "customer": "Zoë O'Hara",
            "service.name": "shop",
        }


stored, failed = helpers.bulk(client, documents(), chunk_size=70)
assert (stored, failed) == (int(count), []), (stored, failed)
