// From sign-up to the first live line; and a session that ends leads to login and back to the same place.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { GATEWAY, Watch, withBrowser } from './browser.mjs';

const MOST_CLICKS = 8;
const PASSWORD = 'correct horse battery staple';

test('somebody new sees the first line within eight clicks, logs out, and comes back to the same place', () =>
  withBrowser(async (browser) => {
    const watch = new Watch();
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
    context.setDefaultTimeout(15_000);
    const page = watch.on(await context.newPage());
    let clicks = 0;
    const click = async (name, role = 'button') => {
      clicks += 1;
      await page.getByRole(role, { name, exact: true }).first().click();
    };
    const email = `${crypto.randomUUID()}@example.com`;

    const first = await page.goto(GATEWAY);
    const policy = first.headers()['content-security-policy'];
    assert.match(policy, /^default-src 'none';/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);

    await click('Sign up', 'link');
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByLabel('Organisation').fill('Acme');
    await click('Create the account');
    // The stream begins only once the line is there, as on a slow connection.
    let begin;
    const sent = new Promise((resolve) => (begin = resolve));
    await page.route('**/api/logs/tail?*', (route) => sent.then(() => route.continue()));
    await page.getByLabel('Name', { exact: true }).fill('checkout');
    await click('Create it, with a key');
    await click('Copy');
    const command = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(command, /slk_\w+/);
    // As it was copied: a person pastes it into a terminal.
    const { stdout } = await promisify(execFile)('sh', ['-c', command]);
    assert.match(stdout, /"accepted":1/);
    begin();
    await page.getByTestId('first-lines').getByText('hello from my terminal').waitFor();
    assert.ok(clicks <= MOST_CLICKS, `it took ${clicks} clicks`);

    await click('Open it in the logs', 'link');
    await page.getByTestId('lines').getByText('hello from my terminal').click();
    await page.getByTestId('drawer').getByText('user').waitFor();
    const place = page.url();
    assert.match(place, /[?&]line=/);
    await page.goBack();
    await page.getByTestId('drawer').waitFor({ state: 'detached' });
    await page.goForward();
    await page.getByTestId('drawer').waitFor();

    await context.clearCookies();
    await page.goto(place);
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await click('Log in');
    await page.getByTestId('drawer').getByText('hello from my terminal').waitFor();
    assert.equal(page.url(), place);

    await click('Log out');
    await page.waitForURL(/\/login$/);
    watch.check();
  }));
