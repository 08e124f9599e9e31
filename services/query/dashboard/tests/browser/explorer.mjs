// The log explorer: mistakes, proposals, values, live lines, links, views.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, settled, signUp, violations, Watch, withBrowser } from './browser.mjs';

const lines = (count, prefix, host) => Array.from({ length: count }, (_, i) => ({ message: `${prefix} ${i}`, level: i % 2 ? 'error' : 'info', meta: { host, http: { status: 200 + (i % 2) * 300 } } }));
const query = (page) => new URL(page.url()).searchParams.get('q');

test('a query is helped along, narrowed by values, followed live, linked and saved', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme', { viewport: { width: 1440, height: 850 } });
    const service = await makeService(context, 'checkout');
    await sendLines(context, service.key, [...lines(20, 'payment', 'web 1'), ...lines(6, 'cart', 'web-2')]);
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    const box = page.getByRole('combobox', { name: 'Search' });
    const list = page.getByTestId('lines');

    // A mistake is marked where it is.
    await page.goto(`${GATEWAY}/logs?q=${encodeURIComponent('payment level:eror')}`);
    await page.getByTestId('mistake').getByText('Column 15: "eror" is no level.').waitFor();
    assert.deepEqual(await violations(page), []);

    // Names and values are proposed.
    await box.fill('');
    await box.pressSequentially('http.s');
    await page.getByRole('option', { name: 'http.status' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.keyboard.type('5');
    await page.getByRole('option', { name: /^500/ }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=http/);
    await page.getByText('13 lines', { exact: true }).waitFor();

    // Facets rewrite it.
    await page.getByRole('combobox', { name: 'Add a field' }).selectOption('host');
    await page.getByRole('button', { name: 'Exclude host web 1' }).click();
    await page.getByText('3 lines', { exact: true }).waitFor();
    assert.equal(query(page), 'http.status:500 -host:"web 1"');
    await page.getByRole('button', { name: 'Remove http.status:500' }).click();
    await page.getByText('6 lines', { exact: true }).waitFor();

    // Another member sees the line of a link, and what was around it.
    await list.getByText('cart 3', { exact: true }).click();
    await page.getByRole('button', { name: 'Show the lines around it' }).click();
    await page.getByTestId('context').getByText('payment 19', { exact: true }).waitFor();
    const line = new URL(page.url()).searchParams.get('line');
    assert.equal(line.length, 43);
    const other = await member(browser, context);
    const theirs = watch.on(await other.newPage());
    await theirs.goto(`${GATEWAY}/logs?q=nothing&line=${line}`);
    await theirs.getByTestId('drawer').getByText('cart 3', { exact: true }).waitFor();

    // A shared view leads them to the same search.
    await page.getByRole('button', { name: 'Close the line' }).click();
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByLabel('Save this search as').fill('without web 1');
    await page.getByLabel('Every member sees it').check();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByTestId('views').getByText('without web 1').waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    await theirs.goto(`${GATEWAY}/logs`);
    await theirs.getByRole('button', { name: 'Views' }).click();
    await theirs.getByRole('link', { name: 'without web 1' }).click();
    await theirs.getByText('6 lines', { exact: true }).waitFor();

    // New lines come by themselves; a pause holds them back, and none is there twice.
    await page.goto(`${GATEWAY}/logs?live=1&q=payment`);
    await page.getByText('lines/s').waitFor();
    await sendLines(context, service.key, [{ message: 'payment live' }, { message: 'other' }]);
    await list.getByText('payment live').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await sendLines(context, service.key, [{ message: 'payment held back' }]);
    const goOn = page.getByRole('button', { name: 'Go on (1 new)' });
    await goOn.waitFor();
    assert.equal(await list.getByText('payment held back').count(), 0);
    await goOn.click();
    await list.getByText('payment held back').waitFor();
    assert.equal(await list.getByText('payment live').count(), 1);
    assert.equal(await list.getByText('other').count(), 0);

    // Numbers, and all of it as a file.
    await page.goto(`${GATEWAY}/logs?q=${encodeURIComponent('payment | top 5 http.status')}`);
    await page.getByTestId('numbers').getByText('500').waitFor();
    await page.goto(`${GATEWAY}/logs?q=payment`);
    await settled(page);
    await page.getByText('Export', { exact: true }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'NDJSON' }).click()]);
    assert.equal(download.suggestedFilename(), 'logs.ndjson');
    watch.check();
  }));

/** A second member, with cookies of their own. */
async function member(browser, admin) {
  const { context, email } = await signUp(browser, 'Their own', { viewport: { width: 1440, height: 850 } });
  const { token } = await send(admin, 'POST', '/api/invites', { email, role: 'viewer' });
  await send(context, 'POST', '/api/invites/accept', { token });
  const me = await send(admin, 'GET', '/api/me');
  await send(context, 'PUT', '/api/orgs/active', { org_id: me.org.id });
  return context;
}
