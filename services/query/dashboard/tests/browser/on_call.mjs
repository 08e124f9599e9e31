// From the page that a real alert sends, to the log line and the deployment that caused it, in at most three clicks.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, signUp, violations, Watch, withBrowser } from './browser.mjs';

const MOST_CLICKS = 3;

/** A chat that takes what it is sent; `page` is the first text of it that says so. */
async function chat() {
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      response.end('ok');
      if (body.includes('Incident opened')) tell(body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/services/T/B/x`, told, close: () => server.close() };
}

/** Counts the clicks of a page. */
function counted(page) {
  let clicks = 0;
  return {
    click: async (locator) => {
      clicks += 1;
      await locator.click();
    },
    check: () => assert.ok(clicks <= MOST_CLICKS, `it took ${clicks} clicks`),
  };
}

test('a page at night leads to the cause within three clicks', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const receiver = await chat();
    try {
      const service = await makeService(context, 'checkout');
      await makeService(context, 'other');
      await send(context, 'POST', '/api/channels', { type: 'slack', name: '#on-call', config: { webhook_url: receiver.url } });
      await send(context, 'POST', '/api/alerts', { name: 'Error burst', type: 'error_count', severity: 'high', params: { threshold: 3, window_seconds: 60 } });
      await sendLines(context, service.key, [{ level: 'info', message: 'all is well' }]);
      await send(context, 'POST', '/api/v1/deployments', { status: 'success', version: '1.4.2', commit_sha: 'c'.repeat(40), commit_message: 'Charge in the background', ref: 'main' }, { 'X-API-Key': service.key });
      await sendLines(context, service.key, [
        { level: 'warn', message: 'pool of connections is empty', trace_id: 'trace-1' },
        { level: 'error', message: 'charge failed: no connection', trace_id: 'trace-1', meta: { order: 4711 } },
        ...Array.from({ length: 5 }, (_, i) => ({ level: 'error', message: `charge failed again ${i}` })),
      ]);

      const link = /https?:\/\/[^\s"|>\\]+\/incidents\/[0-9a-f-]{36}/.exec(await receiver.told)?.[0];
      assert.ok(link, 'the page has a link');
      assert.equal(new URL(link).origin, new URL(GATEWAY).origin);
      const watch = new Watch();
      const page = watch.on(await context.newPage());
      await page.goto(link);

      // To the line, and what came right before it.
      let way = counted(page);
      const first = page.getByTestId('first-errors').getByRole('link').first();
      await first.getByText('charge failed: no connection').waitFor();
      const marks = page.getByTestId('marks').first();
      await marks.getByRole('button', { name: /^2 events/ }).waitFor();
      assert.deepEqual(await violations(page), []);
      await way.click(first);
      await page.getByTestId('drawer').getByText('charge failed: no connection').waitFor();
      const address = new URL(page.url()).searchParams;
      assert.equal(address.get('service'), 'checkout');
      assert.equal(address.get('environment'), 'production');
      assert.equal(address.get('level'), 'error,fatal');
      for (const name of ['from', 'to']) assert.match(address.get(name), /^\d{4}-\d\d-\d\dT.*Z$/, 'the window is absolute');
      await page.getByTestId('lines').getByText('charge failed again 4').waitFor();
      await way.click(page.getByRole('button', { name: 'Show the lines around it' }));
      await page.getByTestId('context').getByText('pool of connections is empty').waitFor();
      way.check();

      // To the deployment, and its lines.
      await page.goto(link);
      way = counted(page);
      const last = page.getByTestId('last-deployment');
      await last.getByText('1.4.2').waitFor();
      await last.getByText('Charge in the background').waitFor();
      // Errors are counted once they are on the screen, which what is above may keep them from.
      await last.scrollIntoViewIfNeeded();
      await last.getByRole('link', { name: '0 before' }).waitFor();
      await way.click(last.getByRole('link', { name: '6 after' }));
      await page.getByText('6 lines', { exact: true }).waitFor();
      way.check();

      // To the deployment by its mark, where its errors are drawn.
      await page.goBack();
      way = counted(page);
      await way.click(marks.getByRole('button', { name: /^2 events/ }));
      await way.click(marks.getByRole('link', { name: 'Deployment 1.4.2: success' }));
      const deployment = page.getByTestId('deployment');
      await deployment.getByText('Charge in the background').first().waitFor();
      await deployment.getByTestId('marks').getByRole('button', { name: /^2 events/ }).hover();
      await deployment.getByTestId('marks').getByRole('link', { name: /Incident: .*Error burst/ }).waitFor();
      way.check();
      watch.check();
    } finally {
      receiver.close();
    }
  }));

test('the chart of the explorer shows what happened, with tooltips and links', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    await sendLines(context, service.key, [{ message: 'a line' }]);
    for (const version of ['1.0.0', '1.0.1']) await send(context, 'POST', '/api/v1/deployments', { status: 'success', version, external_id: version, at: new Date(Date.now() - 30 * 60_000).toISOString() }, { 'X-API-Key': service.key });
    const incident = await send(context, 'POST', '/api/incidents', { title: 'Payments fail', severity: 'critical', service_id: service.id });
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/logs?service=checkout`);
    const marks = page.getByTestId('marks');
    const own = marks.getByRole('link', { name: 'Incident: Payments fail' }).first();
    await own.hover();
    await marks.getByText('critical').waitFor();
    // Those that would cover one another are one, and tell apart.
    await marks.getByRole('button', { name: /^2 events/ }).click();
    await marks.getByRole('link', { name: 'Deployment 1.0.1' }).waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    await own.click();
    await page.waitForURL(`**/incidents/${incident.id}`);
    await page.goBack();
    // Another service has nothing to do with it.
    await makeService(context, 'other');
    await page.goto(`${GATEWAY}/logs?service=other`);
    await page.getByText('No line matches').waitFor();
    assert.equal(await page.getByTestId('marks').count(), 0);
    watch.check();
  }));
