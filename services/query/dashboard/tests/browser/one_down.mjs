// With alerting stopped, its pages say so and the others work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY, makeService, sendLines, settled, signUp, Watch, withBrowser } from './browser.mjs';

test('with alerting away its pages say so, and the others work', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    await sendLines(context, service.key, [{ level: 'error', message: 'still found' }]);
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    for (const path of ['/alerts', '/incidents', '/channels']) {
      await page.goto(GATEWAY + path);
      const alert = page.getByRole('alert').first();
      await alert.getByText('alerting is not available').or(alert.getByText('Alerting is not available')).waitFor();
      await alert.getByRole('button', { name: 'Try again' }).waitFor();
      assert.match(await alert.textContent(), /[0-9a-f]{8}-[0-9a-f]{4}/, 'the correlation id is there to be copied');
    }
    await page.goto(`${GATEWAY}/overview`);
    await page.getByRole('link', { name: 'checkout' }).waitFor();
    await page.goto(`${GATEWAY}/diagnostics`);
    await page.getByText('does not answer').waitFor();
    await page.goto(`${GATEWAY}/logs`);
    await settled(page);
    await page.getByTestId('lines').getByText('still found').waitFor();
    watch.check();
  }));
