// Every page, empty and filled, in both themes and on a phone: what axe finds, and whether anything is wider than the screen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, settled, signUp, violations, Watch, withBrowser } from './browser.mjs';

const EMPTY = ['/start', '/overview', '/logs', '/services', '/deployments', '/incidents', '/alerts', '/channels', '/routing', '/silences', '/silences?show=windows', '/notifications', '/explain', '/logs?tab=patterns', '/logs?tab=changes', '/members', '/audit', '/diagnostics', '/account'];
const LOOKS = [
  { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'light', viewport: { width: 390, height: 844 } },
];

/** Something of everything. */
async function fill(context) {
  const service = await makeService(context, 'checkout');
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
  await sendLines(context, service.key, Array.from({ length: 60 }, (_, i) => ({ level: levels[i % 6], message: `order ${i} was \u001b[31mdeclined\u001b[0m`, trace_id: `t${i % 3}`, meta: { order: i, user: { plan: 'pro' } } })));
  await send(context, 'POST', '/api/v1/deployments', { status: 'failure', version: '1.4.2', commit_sha: 'a'.repeat(40), commit_message: 'Charge once', url: 'https://ci.example.com/1' }, { 'X-API-Key': service.key });
  const rule = await send(context, 'POST', '/api/alerts', { name: 'Error burst', type: 'error_count', severity: 'high', params: { threshold: 5, window_seconds: 60 }, labels: { team: 'payments' }, runbook_url: 'https://runbooks.example.com/checkout' });
  await send(context, 'PATCH', `/api/alerts/${rule.id}`, { for_seconds: 60 });
  const beat = await send(context, 'POST', '/api/alerts', { name: 'Backup', type: 'heartbeat', severity: 'low', params: { every_seconds: 3600, grace_seconds: 60 }, service_id: service.id, environment_id: service.environment.id });
  const channel = await send(context, 'POST', '/api/channels', { type: 'slack', name: '#on-call', config: { webhook_url: 'http://127.0.0.1:9/services/x' } });
  await send(context, 'POST', '/api/routing/routes', { name: 'payments', matcher: { min_severity: 'high', labels: { team: 'payments' } }, channel_ids: [channel.id] });
  await send(context, 'POST', '/api/silences', { reason: 'migration', ends_at: new Date(Date.now() + 3_600_000).toISOString(), matcher: { service_id: service.id, environment_id: service.environment.id, min_severity: 'critical' } });
  await send(context, 'POST', '/api/maintenance-windows', { name: 'backups', reason: 'disks are busy', schedule: { days: ['sun'], start: '02:30', duration_minutes: 90, time_zone: 'Europe/Berlin' }, matcher: { rule_id: rule.id } });
  await send(context, 'POST', '/api/invites', { email: 'bob@example.com', role: 'viewer' });
  const incident = await send(context, 'POST', '/api/incidents', { title: 'Payments fail', severity: 'critical', service_id: service.id, environment_id: service.environment.id });
  await send(context, 'POST', `/api/incidents/${incident.id}/notes`, { text: 'Rolled back.' });
  const { data } = await (await context.request.get(`${GATEWAY}/api/logs/query?limit=1`)).json();
  const [deployment] = await send(context, 'GET', '/api/deployments');
  const numbers = encodeURIComponent('* | stats count() by level every 1m');
  const place = `service_id=${service.id}&environment_id=${service.environment.id}`;
  return [`/alerts/${rule.id}`, `/alerts/${beat.id}`, '/silences?show=all', `/explain?${place}`, `/routing?severity=high&${place}&label=team%3Dpayments`, `/logs?tab=changes&deployment=${deployment.id}`, '/logs?tab=patterns&new=1&sort=newest',
    `/deployments?deployment=${deployment.id}`, `/logs?compare=1&side=1&q=${numbers}`, `/incidents/${incident.id}`, `/services/${service.id}`, `/logs?line=${data[0].id}&wrap=1&cols=service,meta.order`];
}

async function problems(context, paths, look) {
  const watch = new Watch();
  const page = watch.on(await context.newPage());
  await page.emulateMedia({ colorScheme: look.colorScheme });
  await page.setViewportSize(look.viewport);
  const found = [];
  for (const path of paths) {
    await page.goto(GATEWAY + path);
    await settled(page);
    const name = `${path} ${look.colorScheme} ${look.viewport.width}`;
    found.push(...(await violations(page)).map((violation) => `${name} ${violation}`));
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (excess > 0) found.push(`${name} is ${excess} px wider than the screen`);
  }
  await page.close();
  return [...found, ...watch.seen];
}

test('every page is accessible and fits, empty and filled, in light, dark and on a phone', () =>
  withBrowser(async (browser) => {
    const anyone = await browser.newContext();
    const { context } = await signUp(browser, 'Acme');
    const found = [];
    for (const look of LOOKS) found.push(...(await problems(anyone, ['/login?next=/logs', '/signup'], look)));
    found.push(...(await problems(context, EMPTY, LOOKS[2])));
    const filled = await fill(context);
    for (const look of LOOKS) found.push(...(await problems(context, [...EMPTY, ...filled], look)));
    assert.deepEqual(found, []);
  }));
