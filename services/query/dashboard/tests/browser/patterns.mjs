// Beside the lines of a search: what they have in common, what changed, new ones without a gap, and all of them as a file.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, settled, signUp, violations, Watch, withBrowser } from './browser.mjs';

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const many = (count, level, message, minutes, meta = {}) => Array.from({ length: count }, (_, i) => ({ level, message: message(i), timestamp: ago(minutes), meta }));
const parameter = (page, name) => new URL(page.url()).searchParams.get(name);

test('patterns and what changed are tabs of a search, and lead to lines', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme', { viewport: { width: 1440, height: 850 } });
    const service = await makeService(context, 'checkout');
    await sendLines(context, service.key, [
      ...many(40, 'info', (i) => `order ${i} was paid`, 90), ...many(40, 'info', (i) => `order ${i} was paid`, 20),
      ...many(30, 'error', (i) => `payment for order ${i} failed: card_declined`, 20, { region: 'eu-west-2' }), ...many(12, 'warn', (i) => `pool has ${i} connections left`, 90),
    ]);
    const deployment = await send(context, 'POST', '/api/v1/deployments', { status: 'success', version: '1.4.2', external_id: '1', at: ago(50) }, { 'X-API-Key': service.key });
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/logs?from=-2h`);
    await page.getByText('122 lines', { exact: true }).waitFor();

    // By the key, and by the tab.
    await page.keyboard.press('2');
    const patterns = page.getByTestId('patterns');
    await patterns.getByText('3 patterns of 122 lines').waitFor();
    assert.equal(parameter(page, 'tab'), 'patterns');
    const declined = patterns.getByRole('listitem').filter({ hasText: 'payment for order' });
    await declined.getByText('30', { exact: true }).waitFor();
    await declined.getByText('25 %').waitFor();
    assert.match(await declined.getByRole('img').getAttribute('aria-label'), /Lines over time; most from .*: 30$/);
    await declined.getByText('new', { exact: true }).waitFor();
    assert.deepEqual(await violations(page), []);

    // Others than these, then these alone, then their lines.
    await declined.getByRole('button', { name: /^Exclude / }).click();
    await patterns.getByText('2 patterns of 92 lines').waitFor();
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await patterns.getByText('3 patterns of 122 lines').waitFor();
    await declined.getByTitle('Show its lines').click();
    await page.getByText('30 lines', { exact: true }).waitFor();
    assert.equal(parameter(page, 'tab'), null);
    assert.match(parameter(page, 'q'), /"payment for order"/);
    await page.goBack();
    await patterns.getByText('3 patterns of 122 lines').waitFor();

    // Only new ones: what the hour before the last had is not.
    await page.goto(`${GATEWAY}/logs?from=-30m&tab=patterns`);
    await patterns.getByLabel(/^Only new/).check();
    assert.equal(parameter(page, 'new'), '1');

    // What changed against the time before.
    await page.goto(`${GATEWAY}/logs?from=-1h&tab=changes`);
    const changes = page.getByTestId('changes');
    const item = (text) => changes.getByRole('listitem').filter({ hasText: text });
    await item('payment for order').getByText('new', { exact: true }).waitFor();
    await item('connections left').getByText('gone', { exact: true }).waitFor();
    await item('region').getByText('eu-west-2').waitFor();
    assert.deepEqual(await violations(page), []);
    await item('connections left').getByRole('link', { name: /^12 lines before/ }).click();
    await page.getByText('12 lines', { exact: true }).waitFor();
    await page.getByTestId('lines').getByText('pool has 11 connections left').waitFor();

    // And around a deployment, which is in the address.
    await page.goto(`${GATEWAY}/logs?tab=changes`);
    await changes.getByRole('combobox', { name: 'Compare' }).selectOption(deployment.id);
    await changes.getByRole('link', { name: 'the deployment' }).waitFor();
    assert.equal(parameter(page, 'deployment'), deployment.id);
    await page.reload();
    await item('payment for order').getByText('new', { exact: true }).waitFor();
    await item('payment for order').getByRole('link', { name: /^30 lines after/ }).click();
    await page.getByText('30 lines', { exact: true }).waitFor();
    assert.equal(parameter(page, 'environment'), 'production');
    assert.match(parameter(page, 'from'), /Z$/);

    // From the deployment itself.
    await page.goto(`${GATEWAY}/deployments`);
    await page.getByRole('link', { name: 'What changed' }).click();
    await item('payment for order').getByText('new', { exact: true }).waitFor();
    assert.equal(parameter(page, 'service'), 'checkout');

    // A search becomes an alert.
    await page.goto(`${GATEWAY}/logs?service=checkout&q=card_declined`);
    await page.getByRole('link', { name: 'Alert on this search' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('Declined');
    assert.equal(await dialog.getByLabel('Search', { exact: true }).inputValue(), 'card_declined');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText(/match “card_declined”.* In checkout, every environment/).waitFor();

    // A mistake is marked where it is, on these tabs too.
    await page.goto(`${GATEWAY}/logs?tab=patterns&q=${encodeURIComponent('level:eror')}`);
    await page.getByTestId('mistake').waitFor();
    watch.check();
  }));

test('what comes between a search and the stream of new lines is shown', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme', { viewport: { width: 1440, height: 850 } });
    const service = await makeService(context, 'checkout');
    await sendLines(context, service.key, [{ message: 'before the search' }]);
    const page = await context.newPage();
    // The stream begins only once the second line is there, as on a slow connection.
    let begin;
    const sent = new Promise((resolve) => (begin = resolve));
    await page.route('**/api/logs/tail?*', (route) => sent.then(() => route.continue()));
    await page.goto(`${GATEWAY}/logs?live=1`);
    const list = page.getByTestId('lines');
    await list.getByText('before the search').waitFor();
    await sendLines(context, service.key, [{ message: 'between the two' }]);
    begin();
    await list.getByText('between the two').waitFor();
    await sendLines(context, service.key, [{ message: 'by the stream' }]);
    await list.getByText('by the stream').waitFor();
    assert.equal(await list.getByText('between the two').count(), 1);
  }));

test('an export tells how far it is, can be cancelled, and saves what was found', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    await sendLines(context, service.key, Array.from({ length: 300 }, (_, i) => ({ message: `order ${i}`, level: i % 3 ? 'info' : 'error' })));
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/logs?level=error`);
    await settled(page);
    const box = page.getByTestId('export');
    await page.getByText('Export', { exact: true }).click();

    // Held up on the way.
    await page.route('**/api/logs/export?*', () => {});
    await box.getByRole('button', { name: 'CSV' }).click();
    await box.getByText('0 lines, 0 B').waitFor();
    assert.deepEqual(await violations(page), []);
    await box.getByRole('button', { name: 'Cancel' }).click();
    await box.getByText('Cancelled. Nothing was saved.').waitFor();
    await page.unroute('**/api/logs/export?*');

    const saved = page.waitForEvent('download');
    await box.getByRole('button', { name: 'NDJSON' }).click();
    const download = await saved;
    assert.match(download.suggestedFilename(), /^sightline-\d{14}\.ndjson$/);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(lines.length, 100);
    assert.ok(lines.every(({ level }) => level === 'error'));
    await box.getByText(/^Saved, /).waitFor();

    // What is refused says why.
    await page.route('**/api/logs/export?*', (route) => route.fulfill({ status: 503, json: { error: { code: 'UNAVAILABLE', message: 'too many exports run; try again in a minute' } } }));
    await box.getByRole('button', { name: 'CSV' }).click();
    await box.getByText('Too many exports run; try again in a minute.').waitFor();
    watch.check();
  }));
