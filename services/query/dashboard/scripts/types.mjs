// Writes the types of the API from the OpenAPI documents of running services, or with --check says whether the committed ones
// still match. Addresses: GATEWAY_URL, IDENTITY_URL, ALERTING_URL, WEBHOOK_URL.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const check = process.argv.includes('--check');
let stale = 0;
for (const service of ['query', 'identity', 'alerting', 'webhook']) {
  const base = process.env[service === 'query' ? 'GATEWAY_URL' : `${service.toUpperCase()}_URL`];
  if (!base) throw new Error(`tell where ${service} listens`);
  const document = await (await fetch(`${base}/openapi.json`)).json();
  // Handlers of different resources share names there; the types are by path and need none.
  for (const path of Object.values(document.paths)) for (const operation of Object.values(path)) delete operation.operationId;
  const text = `// Made by scripts/types.mjs from the OpenAPI document of ${service}.\n${astToString(await openapiTS(document))}`;
  const file = new URL(`../src/lib/api/${service}.d.ts`, import.meta.url);
  if (!check) {
    await writeFile(file, text);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    stale += 1;
    console.error(`src/lib/api/${service}.d.ts does not match the document of ${service}; run: npm run types`);
  }
}
process.exit(stale ? 1 : 0);
