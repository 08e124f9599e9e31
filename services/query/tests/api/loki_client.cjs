// Reads with a client of Loki's query API: loki_client.cjs BASE AUTHORIZATION. Prints what it found as JSON.
'use strict';

const { GrafanaApi } = require('@myunisoft/loki');

const [remoteApiURL, authorization] = process.argv.slice(2);
const { Loki } = new GrafanaApi({ remoteApiURL, authentication: { type: 'custom', authorization } });

async function main() {
  const found = {
    labels: await Loki.labels({ start: '1h' }),
    services: await Loki.labelValues('service_name'),
    lines: (await Loki.queryRange('{service_name="billing"} |= "declined"', { start: '1h' })).logs,
    streams: (await Loki.queryRangeStream('{level="warn"} | logfmt | ms > 100', { start: '1h' })).streams,
    numbers: (await Loki.queryRangeMatrix('sum(count_over_time({level="error"}[1h]))', { start: '10m', step: '5m' })).metrics,
  };
  found.refusal = await Loki.queryRange('{} | unpack').then(
    () => 'none',
    (error) => `${error.statusCode} ${error.data}`,
  );
  console.log(JSON.stringify(found));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
