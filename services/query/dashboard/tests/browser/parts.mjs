// Parts of pages: the weight of the first, dialogs, the key of a first run, tokens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY, makeService, sendLines, signUp, violations, Watch, withBrowser } from './browser.mjs';

/** Compressed, of all scripts that the log explorer needs. */
const INITIAL_BYTES = 150_000;

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
    for (const [path, button] of [['/alerts', 'New alert'], ['/channels', 'New channel'], ['/services', 'New service'], ['/incidents', 'Open one'], ['/logs', 'Keys'], ['/routing', 'New route'], ['/silences', 'New silence'], ['/silences?show=windows', 'New maintenance window'], ['/notifications', 'Try all again']]) {
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
