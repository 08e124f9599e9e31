// Text that a log line or a tenant controls does nothing but show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, settled, signUp, Watch, withBrowser } from './browser.mjs';

const PAYLOADS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "'-alert(1)-'",
  '<iframe src="javascript:alert(1)"></iframe>',
  '<a href="javascript:alert(1)" id=evil>x</a>',
  '<style>@import "//evil.example"</style>',
  '<base href="//evil.example/">',
  '<form action="//evil.example"><input type=submit></form>',
  '<meta http-equiv=refresh content="0;url=//evil.example">',
  '<link rel=stylesheet href=//evil.example/x.css>',
  '<object data="data:text/html,<script>alert(1)</script>"></object>',
  '<embed src="javascript:alert(1)">',
  '<math><mtext></p><img src=x onerror=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<video><source onerror=alert(1)>',
  '<body onload=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<template><script>alert(1)</script></template>',
  '</script><script>alert(1)</script>',
  '</title><script>alert(1)</script>',
  '<!--><img src=x onerror=alert(1)>-->',
  '{@html "<img src=x onerror=alert(1)>"}',
  '{{constructor.constructor("alert(1)")()}}',
  '${alert(1)}',
  'javascript:alert(1)',
  '\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007',
  '\u001b[31m<img src=x onerror=alert(1)>\u001b[0m',
  'a\u202e<img src=x onerror=alert(1)>\u2066',
  '&lt;img src=x onerror=alert(1)&gt; &#60;script&#62;alert(1)',
];

/** As one line, which names have to be; and told apart, where names are unique. */
const oneLine = (text) => text.replace(/\p{C}/gu, '');
const named = (payload, index) => `${oneLine(payload)} ${index}`;

/** Each payload in each field that a member, a pipeline or an application fills. */
async function fill(context, service) {
  const pages = [];
  for (const [index, payload] of PAYLOADS.entries()) {
    const name = named(payload, index);
    const text = oneLine(payload);
    const own = await send(context, 'POST', '/api/services', { name, description: text });
    await send(context, 'POST', `/api/services/${service.id}/environments`, { name });
    await send(context, 'POST', `/api/services/${service.id}/keys`, { name, environment_id: service.environment.id });
    await send(context, 'POST', '/api/tokens', { name, role: 'viewer' });
    const rule = await send(context, 'POST', '/api/alerts', { name, description: text, type: 'log_query', severity: 'high', service_id: own.id, params: { q: JSON.stringify(text), threshold: 500, window_seconds: 60 }, labels: { team: name } });
    await send(context, 'PATCH', `/api/alerts/${rule.id}`, { description: `${text} changed`, labels: { team: name, other: text } });
    const matcher = { service_id: own.id, labels: { team: name } };
    await send(context, 'POST', '/api/silences', { reason: name, ends_at: new Date(Date.now() + 3_600_000).toISOString(), matcher });
    await send(context, 'POST', '/api/maintenance-windows', { name, reason: text, matcher, schedule: { days: ['sun'], start: '02:30', duration_minutes: 30, time_zone: 'UTC' } });
    await send(context, 'POST', '/api/routing/routes', { name, matcher, channel_ids: [] });
    const incident = await send(context, 'POST', '/api/incidents', { title: name, severity: 'low', summary: text, service_id: own.id, labels: { team: name } });
    await send(context, 'POST', `/api/incidents/${incident.id}/notes`, { text });
    const report = { status: 'success', external_id: name, version: name, commit_message: text, actor: text, ref: text, name };
    const deployment = await send(context, 'POST', '/api/v1/deployments', report, { 'X-API-Key': service.key });
    await send(context, 'POST', '/api/logs/views', { name, q: `"${text.replaceAll(/[\\"]/g, '\\$&')}"`, columns: [], shared: true });
    pages.push(`/alerts/${rule.id}`, `/routing?severity=low&service_id=${own.id}&label=${encodeURIComponent(`team=${name}`)}`, `/incidents/${incident.id}`, `/services/${own.id}`, `/deployments?deployment=${deployment.id}`);
  }
  // After the incidents, of which each would be told to each.
  for (const [index, payload] of PAYLOADS.entries()) await send(context, 'POST', '/api/channels', { type: 'slack', name: named(payload, index), config: { webhook_url: 'http://127.0.0.1:9/services/x' } });
  await sendLines(context, service.key, [
    ...PAYLOADS.map((payload) => ({ level: 'error', message: payload, trace_id: payload.slice(0, 60), request_id: payload.slice(0, 60), meta: { [payload]: payload, k: { [payload]: [payload] } } })),
    { message: 'x'.repeat(900_000) },
    { message: 'many', meta: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key${i}`, PAYLOADS[i % PAYLOADS.length]])) },
  ]);
  return pages;
}

/** As a link of ours does: without loading everything anew. */
async function turnTo(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate'));
  }, path);
  await settled(page);
}

/** What a page shows has every payload, as text. */
async function showsAll(page, where) {
  const text = await page.evaluate(() => document.querySelector('#app').innerText + [...document.querySelectorAll('option')].map((option) => option.textContent).join('\n'));
  for (const [index, payload] of PAYLOADS.entries()) assert.ok(text.includes(named(payload, index)), `${where} shows ${payload}`);
}

test('thirty payloads in every field show as text', () =>
  withBrowser(async (browser) => {
    assert.equal(PAYLOADS.length, 30);
    const { context } = await signUp(browser, 'Acme', { viewport: { width: 1440, height: 850 } });
    const me = await send(context, 'GET', '/api/me');
    for (const [index, payload] of PAYLOADS.entries()) await send(context, 'POST', '/api/orgs', { name: named(payload, index) });
    // A new organisation becomes the active one.
    await send(context, 'PUT', '/api/orgs/active', { org_id: me.org.id });
    const service = await makeService(context, 'checkout');
    const pages = await fill(context, service);

    const watch = new Watch();
    const page = watch.on(await context.newPage());
    const lists = ['/services', '/alerts', '/routing', '/silences', '/silences?show=windows', '/incidents', '/channels', '/deployments', '/overview', '/account', `/services/${service.id}`];
    const others = ['/start', '/members', '/audit', '/diagnostics', '/notifications', `/explain?service_id=${service.id}&environment_id=${service.environment.id}`];
    await page.goto(GATEWAY);
    for (const path of [...lists, ...others, ...pages]) {
      await turnTo(page, path);
      if (lists.includes(path)) await showsAll(page, path);
      await refuseElements(page, path);
    }

    // What the dialogs and menus show.
    await page.goto(`${GATEWAY}/logs`);
    await settled(page);
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByTestId('views').waitFor();
    await showsAll(page, 'saved views');
    await page.keyboard.press('Escape');
    await page.getByText('Columns', { exact: true }).click();
    await refuseElements(page, 'views, columns and services');

    // Lines wrapped and not, each opened, and their fields as columns and facets.
    await page.goto(`${GATEWAY}/logs?side=1&facets=trace_id,request_id&wrap=1&cols=service,trace_id,meta.k&compare=1`);
    await settled(page);
    await page.getByTestId('facets').getByRole('region', { name: 'trace_id' }).waitFor();
    await refuseElements(page, 'wrapped lines');
    await page.goto(`${GATEWAY}/logs?cols=service,request_id`);
    await settled(page);
    await page.getByTestId('lines').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    for (let i = 0; i <= PAYLOADS.length + 1; i += 1) {
      await page.getByTestId('drawer').waitFor();
      await refuseElements(page, `line ${i}`);
      await page.keyboard.press('j');
    }

    // As numbers over time, whose groups are the payloads.
    for (const tab of ['chart', 'table']) {
      await page.goto(`${GATEWAY}/logs?tab=${tab}&q=${encodeURIComponent('* | stats count() by trace_id every 1m')}`);
      await page.getByTestId(tab === 'chart' ? 'numbers-chart' : 'numbers').waitFor();
      await refuseElements(page, tab);
    }

    // As patterns, and as what changed.
    for (const tab of ['patterns', 'changes']) {
      await page.goto(`${GATEWAY}/logs?tab=${tab}`);
      await page.getByTestId(tab).locator('li').first().waitFor();
      await refuseElements(page, tab);
    }

    // As words, filters, columns and ids of the address.
    for (const payload of PAYLOADS) {
      const text = encodeURIComponent(payload);
      await turnTo(page, `/logs?q=${text}&service=${text}&environment=${text}&trace_id=${text}&from=${text}&cols=${text}&line=${text}&facets=${text}&tab=${text}`);
      await refuseElements(page, `address ${payload}`);
      await turnTo(page, `/logs?tab=changes&deployment=${text}&around=${text}&sort=${text}&q=${text}`);
      await refuseElements(page, `address of changes ${payload}`);
      await turnTo(page, `/silences?new=1&service_id=${text}&rule_id=${text}&label=${encodeURIComponent(`a=${payload}`)}`);
      await refuseElements(page, `address of a silence ${payload}`);
    }
    await page.goto(`${GATEWAY}/deployments?deployment=${encodeURIComponent(PAYLOADS[1])}&service=${encodeURIComponent(PAYLOADS[2])}`);
    await settled(page);
    await refuseElements(page, 'address of a deployment');
    await page.goto(`${GATEWAY}/login?next=${encodeURIComponent('javascript:alert(1)')}`);
    await page.waitForFunction(() => document.title.length > 0);
    watch.check();
  }));

/** Nothing of a payload may have become an element or an attribute. */
async function refuseElements(page, where) {
  const found = await page.evaluate(() => [
    ...[...document.querySelectorAll('#app script, #app style, #app iframe, #app object, #app embed, #app base, #app link, #app meta, #app video, #app svg, #app math, #evil, [src="x"], [href^="javascript:" i]')].map((element) => element.outerHTML.slice(0, 200)),
    ...[...document.querySelectorAll('*')].flatMap((element) => element.getAttributeNames().filter((name) => name.startsWith('on'))),
  ]);
  assert.deepEqual(found, [], where);
}
