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

    // Numbers.
    await page.goto(`${GATEWAY}/logs?q=${encodeURIComponent('payment | top 5 http.status')}`);
    await page.getByTestId('numbers').getByText('500').waitFor();
    watch.check();
  }));

test('the chart compares, columns are sized and ordered, numbers over time are drawn', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme', { viewport: { width: 1440, height: 850 } });
    const service = await makeService(context, 'checkout');
    const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
    await sendLines(context, service.key, [10, 20, 90, 100].flatMap((minutes) => lines(4, `line of ${minutes}`, 'web-1').map((line) => ({ ...line, timestamp: ago(minutes) }))));
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/logs`);
    await page.getByText('8 lines', { exact: true }).waitFor();

    // With as long before.
    const compared = page.waitForResponse((response) => response.url().includes('/api/logs/histogram') && response.url().includes('interval='));
    await page.getByLabel(/^Time:/).click();
    await page.getByLabel('Compare with as long before').check();
    const { data } = await (await compared).json();
    assert.equal(data.buckets.reduce((sum, bucket) => sum + bucket.total, 0), 8, 'what was sent the hour before');
    await page.getByRole('button', { name: /^as long before/ }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('compare'), '1');
    await page.keyboard.press('Escape');
    assert.deepEqual(await violations(page), []);

    // Columns: chosen, put elsewhere, made wider by mouse and keyboard; the order is in the address, the width stays in the browser.
    await page.getByText('Columns', { exact: true }).click();
    await page.getByRole('checkbox', { name: 'meta.host' }).check();
    const heads = page.getByTestId('heads');
    const names = () => heads.getByRole('group').evaluateAll((found) => found.map((head) => head.getAttribute('aria-label')));
    assert.deepEqual(await names(), ['Column service', 'Column meta.host']);
    await page.getByRole('button', { name: 'meta.host further left' }).click();
    assert.deepEqual(await names(), ['Column meta.host', 'Column service']);
    assert.deepEqual(await violations(page), []);
    await page.getByText('Columns', { exact: true }).click();
    await heads.getByRole('group', { name: 'Column service' }).dragTo(heads.getByRole('group', { name: 'Column meta.host' }));
    assert.equal(new URL(page.url()).searchParams.get('cols'), 'service,meta.host');
    const edge = heads.getByRole('separator', { name: 'Width of meta.host' });
    const width = async () => Number(await edge.getAttribute('aria-valuenow'));
    const before = await width();
    const { x, y } = await edge.boundingBox();
    await page.mouse.move(x + 4, y + 8);
    await page.mouse.down();
    await page.mouse.move(x + 64, y + 8, { steps: 4 });
    await page.mouse.up();
    assert.equal(await width(), before + 60);
    await edge.press('ArrowLeft');
    await page.reload();
    await page.getByText('8 lines', { exact: true }).waitFor();
    assert.equal(await width(), before + 44);
    const cell = await page.getByTestId('lines').getByTitle('meta.host: web-1').first().boundingBox();
    assert.equal(Math.round(cell.width), before + 44);

    // Numbers over time are lines of a chart, and a table.
    await page.goto(`${GATEWAY}/logs?q=${encodeURIComponent('* | stats count() by level every 1m')}`);
    await page.getByTestId('numbers-chart').getByText('error', { exact: true }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByRole('tab', { name: 'Chart' }).press('ArrowRight');
    await page.getByTestId('numbers').getByText('error').first().waitFor();
    assert.equal(new URL(page.url()).searchParams.get('tab'), 'table');
    await page.goto(`${GATEWAY}/logs?q=${encodeURIComponent('* | top 5 host')}`);
    await page.getByTestId('numbers').getByText('web-1').waitFor();
    assert.deepEqual(await page.getByRole('tab').allTextContents(), ['Table', 'Patterns', 'What changed']);
    watch.check();
  }));

test('an alert is tried on history while it is written', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    const at = new Date(Date.now() - 60 * 60_000).toISOString();
    await sendLines(context, service.key, Array.from({ length: 7 }, () => ({ level: 'error', message: 'charge failed', timestamp: at })));
    // They count as they arrive, once no earlier ones can come.
    const draft = { type: 'error_count', params: { threshold: 7, window_seconds: 60 } };
    const isSeen = async () => (await send(context, 'POST', '/api/alerts/preview', { draft })).series.some(({ points }) => points.some(({ holds }) => holds));
    while (!(await isSeen())) await new Promise((resolve) => setTimeout(resolve, 200));
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/alerts`);
    await page.getByRole('button', { name: 'New alert' }).click();
    const preview = page.getByTestId('preview');
    await preview.getByText('once').waitFor();
    await preview.getByText('checkout, production').waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByLabel('Error lines', { exact: true }).fill('8');
    await preview.getByText('never').waitFor();
    await page.getByLabel('Error lines', { exact: true }).fill('7');
    await preview.getByText('once').waitFor();

    // From a line, for where it is from.
    await page.goto(`${GATEWAY}/logs?from=-2h`);
    await page.getByTestId('lines').getByText('charge failed').first().click();
    await page.getByTestId('drawer').getByRole('link', { name: 'Alert on this' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Service' }).getByText('checkout').waitFor({ state: 'attached' });
    await page.waitForFunction(() => [...document.querySelectorAll('dialog select')].some((select) => select.selectedOptions[0]?.textContent === 'production'));
    assert.equal(await dialog.getByLabel('Name').inputValue(), 'Errors of checkout');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText('In checkout, production.').waitFor();
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
