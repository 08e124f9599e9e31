// With one service stopped its pages say so, and the others work. DOWN names it; without, what the pages show is made first, and
// the cookies go into the file STATE.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, settled, signUp, violations, Watch, withBrowser } from './browser.mjs';

const { DOWN, STATE } = process.env;
const LOOK = { viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' };

/** Whose pages these are, and what each shows while its owner is there. */
const PAGES = [
  { owner: 'identity', path: '/services', shows: (page) => page.getByRole('link', { name: 'checkout' }) },
  { owner: 'identity', path: '/members', shows: (page) => page.getByText('@example.com').first() },
  { owner: 'identity', path: '/audit', shows: (page) => page.getByText('service', { exact: false }).first() },
  { owner: 'identity', path: '/account', shows: (page) => page.getByRole('heading', { name: 'Access tokens' }) },
  { owner: 'identity', path: '/start', shows: (page) => page.getByRole('combobox', { name: 'Service' }) },
  { owner: 'alerting', path: '/alerts', shows: (page) => page.getByText('Error burst') },
  { owner: 'alerting', path: '/incidents', shows: (page) => page.getByText('Payments fail') },
  { owner: 'alerting', path: '/channels', shows: (page) => page.getByText('#on-call') },
  { owner: 'alerting', path: '/silences', shows: (page) => page.getByText('Nothing is silenced') },
  { owner: 'alerting', path: '/routing', shows: (page) => page.getByText('Every incident is told to every channel') },
  { owner: 'alerting', path: '/notifications', shows: (page) => page.getByTestId('notifications') },
  { owner: 'webhook', path: '/deployments', shows: (page) => page.getByText('1.4.2') },
  { owner: 'query', path: '/overview', shows: (page) => page.getByRole('link', { name: 'checkout' }) },
  { owner: 'query', path: '/diagnostics', shows: (page) => page.getByText('taking lines in') },
  { owner: 'query', path: '/logs?service=checkout', shows: (page) => page.getByTestId('lines').getByText('still found') },
  { owner: 'query', path: '/logs?service=checkout&tab=patterns', shows: (page) => page.getByTestId('patterns').getByText('still found') },
  { owner: 'query', path: '/logs?service=checkout&tab=changes', shows: (page) => page.getByTestId('changes').getByText('Values that stand out') },
];

async function prepare(browser) {
  const { context } = await signUp(browser, 'Acme');
  const service = await makeService(context, 'checkout');
  await sendLines(context, service.key, [{ level: 'error', message: 'still found' }]);
  await send(context, 'POST', '/api/alerts', { name: 'Error burst', type: 'error_count', severity: 'high', params: { threshold: 500, window_seconds: 60 } });
  await send(context, 'POST', '/api/channels', { type: 'slack', name: '#on-call', config: { webhook_url: 'http://127.0.0.1:9/services/x' } });
  await send(context, 'POST', '/api/incidents', { title: 'Payments fail', severity: 'critical', service_id: service.id });
  await send(context, 'POST', '/api/v1/deployments', { status: 'success', version: '1.4.2' }, { 'X-API-Key': service.key });
  const state = await context.storageState();
  writeFileSync(STATE, JSON.stringify(state));
}

/** What a page says when the part that it needs is away, with a way to try again and the id to report. */
async function saysSo(page, path) {
  const alert = page.getByRole('alert').filter({ hasText: new RegExp(`${DOWN} is not available`, 'i') }).first();
  await alert.waitFor();
  await alert.getByRole('button', { name: 'Try again' }).waitFor();
  assert.match(await alert.textContent(), /[0-9a-f]{8}-[0-9a-f]{4}/, `${path}: the correlation id is there to be copied`);
}

test(DOWN ? `with ${DOWN} away its pages say so, and the others work` : 'what is needed is made', () =>
  withBrowser(async (browser) => {
    if (!DOWN) return prepare(browser);
    const context = await browser.newContext({ ...LOOK, storageState: STATE });
    context.setDefaultTimeout(15_000);
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    for (const { owner, path, shows } of PAGES) {
      await page.goto(GATEWAY + path);
      await (owner === DOWN ? saysSo(page, path) : shows(page).waitFor());
      if (owner === DOWN) assert.deepEqual(await violations(page), [], path);
    }

    await page.goto(`${GATEWAY}/diagnostics`);
    await page.getByRole('listitem').filter({ hasText: DOWN }).getByText('does not answer').waitFor();
    await page.goto(`${GATEWAY}/logs`);
    await settled(page);
    const missing = { alerting: 'Incidents are not marked', webhook: 'Deployments are not marked' }[DOWN];
    if (missing) await page.getByText(missing).waitFor();
    if (DOWN === 'ingest') {
      await page.goto(`${GATEWAY}/start`);
      await page.getByRole('alert').getByText('Ingest is not available').waitFor();
    }
    if (DOWN === 'identity') {
      await page.getByTestId('accounts-away').waitFor();
      await page.getByRole('combobox', { name: 'Service' }).selectOption('checkout');
      await page.getByTestId('lines').getByText('still found').waitFor();
      // Somebody who is not signed in is told why that cannot be changed now.
      const nobody = await (await browser.newContext(LOOK)).newPage();
      await nobody.goto(`${GATEWAY}/logs`);
      await nobody.getByRole('alert').getByText('Identity is not available').waitFor();
      await nobody.goto(`${GATEWAY}/login`);
      await nobody.getByLabel('Email').fill('a@example.com');
      await nobody.getByLabel('Password').fill('correct horse battery staple');
      await nobody.getByRole('button', { name: 'Log in' }).click();
      await nobody.getByRole('alert').getByText('Identity is not available').waitFor();
    }
    watch.check();
  }));
