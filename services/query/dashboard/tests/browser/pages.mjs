// Every page, empty and filled, in both themes and on a phone: what axe finds, and whether anything is wider than the screen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, settled, signUp, violations, Watch, withBrowser } from './browser.mjs';

const EMPTY = ['/start', '/overview', '/logs', '/services', '/deployments', '/incidents', '/alerts', '/channels', '/members', '/audit', '/diagnostics', '/account'];
/** Compressed, of all scripts that the log explorer needs. */
const INITIAL_BYTES = 150_000;
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
  await send(context, 'POST', '/api/alerts', { name: 'Error burst', type: 'error_count', severity: 'high', params: { threshold: 5, window_seconds: 60 } });
  await send(context, 'POST', '/api/channels', { type: 'slack', name: '#on-call', config: { webhook_url: 'http://127.0.0.1:9/services/x' } });
  await send(context, 'POST', '/api/invites', { email: 'bob@example.com', role: 'viewer' });
  const incident = await send(context, 'POST', '/api/incidents', { title: 'Payments fail', severity: 'critical', service_id: service.id });
  await send(context, 'POST', `/api/incidents/${incident.id}/notes`, { text: 'Rolled back.' });
  const { data } = await (await context.request.get(`${GATEWAY}/api/logs/query?limit=1`)).json();
  const [deployment] = await send(context, 'GET', '/api/deployments');
  const numbers = encodeURIComponent('* | stats count() by level every 1m');
  return [`/deployments?deployment=${deployment.id}`, `/logs?compare=1&side=1&q=${numbers}`, `/incidents/${incident.id}`, `/services/${service.id}`, `/logs?line=${data[0].id}&wrap=1&cols=service,meta.order`];
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

test('the first page is light and quick', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    await sendLines(context, service.key, Array.from({ length: 500 }, (_, i) => ({ message: `order ${i}` })));
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    const scripts = new Set();
    let bytes = 0;
    cdp.on('Network.responseReceived', ({ requestId, response }) => {
      if (response.mimeType.includes('javascript')) scripts.add(requestId);
    });
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      if (scripts.has(requestId)) bytes += encodedDataLength;
    });
    const start = performance.now();
    await page.goto(`${GATEWAY}/logs`);
    await page.getByTestId('lines').getByText('order 499', { exact: true }).waitFor();
    const cold = performance.now() - start;
    // A search in a page that is there already.
    const again = performance.now();
    await page.getByRole('combobox', { name: 'Search' }).fill('order');
    await page.keyboard.press('Enter');
    await page.getByTestId('lines').locator('mark').first().waitFor();
    const warm = performance.now() - again;
    console.log(`${scripts.size} scripts, ${bytes} bytes; first lines after ${Math.round(cold)} ms, a search's after ${Math.round(warm)} ms`);
    assert.ok(scripts.size > 0 && bytes <= INITIAL_BYTES, `${bytes} bytes of JavaScript at first`);
  }));

test('dialogs are accessible', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme', { colorScheme: 'dark' });
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    for (const [path, button] of [['/alerts', 'New alert'], ['/channels', 'New channel'], ['/services', 'New service'], ['/incidents', 'Open one'], ['/logs', 'Keys']]) {
      await page.goto(GATEWAY + path);
      await page.getByRole('button', { name: button, exact: true }).click();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await violations(page), [], path);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    }
    watch.check();
  }));

test('the page of the first run fits a phone once it shows the key', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme', { viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    await page.goto(`${GATEWAY}/start`);
    await page.getByRole('button', { name: 'Create it, with a key' }).click();
    for (const name of ['curl', 'Python', 'Go', 'Docker']) {
      await page.getByRole('tab', { name }).click();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, name);
    }
    assert.deepEqual(await violations(page), []);
  }));

test('a token is shown once, and stays in the list until it is revoked', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const page = await context.newPage();
    await page.goto(`${GATEWAY}/account`);
    await page.getByLabel('What it is for').fill('Grafana');
    await page.getByRole('button', { name: 'Create a token' }).click();
    const token = /slp_\w+/.exec(await page.getByTestId('token').textContent())[0];
    assert.deepEqual(await violations(page), []);
    const status = async () => (await (await browser.newContext()).request.get(`${GATEWAY}/api/logs/query`, { headers: { Authorization: `Bearer ${token}` } })).status();
    assert.equal(await status(), 200);
    await page.reload();
    await page.getByRole('button', { name: 'Revoke Grafana' }).click();
    assert.equal(await page.getByText(token).count(), 0);
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByText('revoked').waitFor();
    assert.equal(await status(), 401);
  }));
