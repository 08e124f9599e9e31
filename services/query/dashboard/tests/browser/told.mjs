// Who is told of what, and why: routes, silences, maintenance windows, explanations, what was given up, and alerts of all kinds.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, signUp, violations, Watch, withBrowser } from './browser.mjs';

/** A chat that answers with `status`, which may be changed. */
async function chat() {
  const own = { status: 200 };
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(own.status).end('ok'));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(own, { url: `http://127.0.0.1:${server.address().port}/services/T/B/x`, close: () => server.close() });
}

const makeChannel = (context, name, url) => send(context, 'POST', '/api/channels', { type: 'slack', name, config: { webhook_url: url } });

test('routes decide who is told, and say so before anything happens', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    for (const name of ['#on-call', '#payments']) await makeChannel(context, name, 'http://127.0.0.1:9/services/x');
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/routing`);
    await page.getByText('Every incident is told to every channel that is switched on.').waitFor();
    const make = async (name, fill) => {
      await page.getByRole('button', { name: 'New route' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name', { exact: true }).fill(name);
      await fill(dialog);
      await dialog.getByRole('button', { name: 'Create' }).click();
      await page.getByTestId('routes').getByText(name, { exact: true }).waitFor();
    };
    await make('the rest', (dialog) => dialog.getByRole('checkbox', { name: '#on-call' }).check());
    await make('payments', async (dialog) => {
      await dialog.getByLabel('Service').selectOption('checkout');
      await dialog.getByRole('button', { name: 'Add a label' }).click();
      await dialog.getByLabel('Name of label 1').fill('team');
      await dialog.getByLabel('Value of label 1').fill('payments');
      await dialog.getByRole('checkbox', { name: '#payments' }).check();
    });

    // The first that matches decides, so the order does.
    const who = page.getByTestId('who');
    await who.getByLabel('Service').selectOption('checkout');
    await who.getByRole('button', { name: 'Add a label' }).click();
    await who.getByLabel('Name of label 1').fill('team');
    await who.getByLabel('Value of label 1').fill('payments');
    await who.getByRole('button', { name: 'Check' }).click();
    await who.getByText('chosen by the route “the rest”').waitFor();
    await page.getByRole('button', { name: 'payments further up' }).click();
    await who.getByText('chosen by the route “payments”').waitFor();
    assert.equal(await who.getByText('#on-call').count(), 0);
    assert.deepEqual(await violations(page), []);
    // It is in the address, for whoever is asked.
    const place = page.url();
    await page.goto(place);
    await who.getByText('#payments').waitFor();

    // Held back by a window that is always open.
    await send(context, 'POST', '/api/maintenance-windows', { name: 'all week', schedule: { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], start: '00:00', duration_minutes: 1440, time_zone: 'UTC' }, matcher: { service_id: service.id } });
    await who.getByRole('button', { name: 'Check' }).click();
    await who.getByText('Nobody would be told now.').waitFor();
    await who.getByText(/held back by the maintenance window “all week”/).waitFor();

    await page.getByRole('button', { name: 'Delete payments' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByTestId('routes').getByText('payments', { exact: true }).waitFor({ state: 'detached' });
    watch.check();
  }));

test('an incident is silenced from its page, explained, and told once the silence ends', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const receiver = await chat();
    try {
      const service = await makeService(context, 'checkout');
      await makeChannel(context, '#on-call', receiver.url);
      const first = await send(context, 'POST', '/api/incidents', { title: 'Payments fail', severity: 'high', service_id: service.id });
      const watch = new Watch();
      const page = watch.on(await context.newPage());
      await page.goto(`${GATEWAY}/incidents/${first.id}`);

      // Why it was told, down to the answer of the receiver.
      const explanation = page.getByTestId('explanation');
      await explanation.getByText('told', { exact: true }).waitFor({ timeout: 30_000 });
      await explanation.getByText('#on-call', { exact: true }).click();
      for (const step of ['Evaluation.', 'Grouping.', 'Silences.', 'Routing.', 'Channel.', 'Attempt.']) await explanation.getByText(step).waitFor();
      await explanation.getByText('HTTP 200').waitFor();
      assert.deepEqual(await violations(page), []);

      // Silenced with what the incident is about.
      await page.getByRole('link', { name: 'Silence this' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill('planned migration');
      await page.waitForFunction(() => [...document.querySelectorAll('dialog[open] select')].some((select) => select.selectedOptions[0]?.textContent === 'checkout'));
      assert.deepEqual(await violations(page), []);
      await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
      const silences = page.getByTestId('silences');
      await silences.getByText('service checkout').waitFor();
      await silences.getByText('active').waitFor();
      assert.equal(new URL(page.url()).search, '');

      // What it holds back, and why nobody was told.
      const second = await send(context, 'POST', '/api/incidents', { title: 'Payments fail again', severity: 'high', service_id: service.id, environment_id: service.environment.id });
      await page.reload();
      await silences.getByRole('link', { name: 'held back 1' }).click();
      await page.getByTestId('notifications').getByText('held back', { exact: true }).waitFor();
      await page.goto(`${GATEWAY}/explain`);
      await page.getByLabel('Service').selectOption('checkout');
      await page.getByLabel('Environment').selectOption('production');
      await page.getByRole('button', { name: 'Explain' }).click();
      const moment = page.getByTestId('moment');
      await moment.getByRole('link', { name: 'Payments fail again' }).waitFor();
      await moment.getByText('A silence holds it back: planned migration.').first().waitFor();
      await moment.getByText('No alert looks at this place.').waitFor();
      assert.deepEqual(await violations(page), []);

      // Ended early, it is told.
      await page.goto(`${GATEWAY}/silences`);
      await page.getByRole('button', { name: 'End now planned migration' }).click();
      await page.getByRole('button', { name: 'End it' }).click();
      await page.getByText('Nothing is silenced').waitFor();
      await page.getByRole('button', { name: 'With those that are over' }).click();
      await silences.getByText('over', { exact: true }).waitFor();
      await page.goto(`${GATEWAY}/incidents/${second.id}`);
      await explanation.getByText('told', { exact: true }).waitFor({ timeout: 30_000 });
      watch.check();
    } finally {
      receiver.close();
    }
  }));

test('maintenance windows have a zone and say when they come', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme', { timezoneId: 'America/New_York' });
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/silences`);
    await page.getByRole('button', { name: 'Maintenance windows' }).click();
    await page.getByRole('button', { name: 'Make the first one' }).click();
    const dialog = page.getByRole('dialog');
    assert.equal(await dialog.getByLabel('Time zone').inputValue(), 'America/New_York');
    await dialog.getByLabel('Name', { exact: true }).fill('weekly backups');
    await dialog.getByLabel('Sat').check();
    await dialog.getByLabel('For minutes').fill('90');
    await dialog.getByLabel('Time zone').fill('Europe/Nowhere');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText(/IANA time zone/).first().waitFor();
    await dialog.getByLabel('Time zone').fill('Europe/Berlin');
    await dialog.getByRole('button', { name: 'Create' }).click();
    const windows = page.getByTestId('windows');
    await windows.getByText('Sat, Sun from 02:00 for 1 h 30 min, Europe/Berlin').waitFor();
    assert.match(await windows.getByRole('list', { name: 'Next times' }).getByRole('listitem').first().textContent(), /^S(at|un) \d{4}-\d\d-\d\d 02:00 – 03:30, here \d{4}-\d\d-\d\d 20:00$/);
    await page.getByRole('button', { name: 'Edit weekly backups' }).click();
    await dialog.getByLabel('Sun').uncheck();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await windows.getByText('Sat from 02:00').waitFor();
    await page.getByRole('button', { name: 'Switch off weekly backups' }).click();
    await windows.getByText('off', { exact: true }).waitFor();
    assert.deepEqual(await violations(page), []);
    watch.check();
  }));

test('what was given up is sent again, one by one and all at once', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const receiver = await chat();
    try {
      // It will not take anything.
      receiver.status = 404;
      await makeChannel(context, '#on-call', receiver.url);
      for (const title of ['one', 'two', 'three']) await send(context, 'POST', '/api/incidents', { title, severity: 'high' });
      const watch = new Watch();
      const page = watch.on(await context.newPage());
      const dead = async (count) => {
        while ((await send(context, 'GET', '/api/notifications?state=dead')).length !== count) await new Promise((resolve) => setTimeout(resolve, 200));
      };
      await dead(3);
      receiver.status = 200;
      // One that refused is still in use, or is used again.
      const [channel] = await send(context, 'GET', '/api/channels');
      if (channel.paused_at) await send(context, 'POST', `/api/channels/${channel.id}/resume`);
      await page.goto(`${GATEWAY}/diagnostics`);
      await page.getByRole('button', { name: 'Try again to tell #on-call' }).first().click();
      await dead(2);
      await page.getByRole('link', { name: 'All notifications' }).click();
      await page.getByRole('combobox', { name: 'State' }).selectOption('dead');
      assert.equal(new URL(page.url()).searchParams.get('state'), 'dead');
      await page.getByTestId('notifications').getByText('given up').nth(1).waitFor();
      assert.deepEqual(await violations(page), []);
      await page.getByRole('button', { name: 'Try all again' }).click();
      await page.getByRole('button', { name: 'Send again' }).click();
      await page.getByText('2 are sent again').waitFor();
      await dead(0);
      await page.getByText('No message like this').waitFor();
      watch.check();
    } finally {
      receiver.close();
    }
  }));

test('a channel is renamed, told what to do in doubt, and given another secret', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    await send(context, 'POST', '/api/channels', { type: 'webhook', name: 'hook', config: { url: 'http://127.0.0.1:9/hook' } });
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/channels`);
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Edit hook' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('status page');
    await dialog.getByLabel('When nobody knows').selectOption('at_least_once');
    assert.deepEqual(await violations(page), []);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('status page', { exact: true }).waitFor();
    assert.equal((await send(context, 'GET', '/api/channels'))[0].on_unknown, 'at_least_once');
    await page.getByRole('button', { name: 'Edit status page' }).click();
    await dialog.getByRole('button', { name: 'Make a new secret' }).click();
    await page.getByText(/^whsec_/).waitFor();
    watch.check();
  }));

test('alerts of all kinds are made, tried on history, changed and looked back at', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    await sendLines(context, service.key, Array.from({ length: 9 }, (_, i) => ({ level: 'error', message: `charge ${i} failed` })));
    const draft = { type: 'error_count', params: { threshold: 9, window_seconds: 60 } };
    while ((await send(context, 'POST', '/api/alerts/backtest', { draft, days: 1 })).candidate.episode_count !== 1) await new Promise((resolve) => setTimeout(resolve, 200));
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/alerts`);
    const dialog = page.getByRole('dialog');
    const begin = async (name, type) => {
      await page.getByRole('button', { name: 'New alert' }).click();
      await dialog.getByLabel('Name', { exact: true }).fill(name);
      await dialog.getByLabel('When', { exact: true }).selectOption(type);
    };
    const create = async (meaning) => {
      await dialog.getByRole('button', { name: 'Create' }).click();
      await page.getByText(meaning).waitFor();
    };

    // Tried before it wakes somebody.
    await begin('Error burst', 'error_count');
    await dialog.getByLabel('Error lines', { exact: true }).fill('9');
    const backtest = dialog.getByTestId('backtest');
    await backtest.getByRole('button', { name: 'Try it' }).click();
    await backtest.getByText('It would have fired once').waitFor();
    await dialog.getByLabel('Error lines', { exact: true }).fill('100');
    await backtest.getByText('changed since').waitFor();
    await backtest.getByRole('button', { name: 'Try it' }).click();
    await backtest.getByText('It would have fired never').waitFor();
    await dialog.getByLabel('Over once it was false for').selectOption('900');
    await dialog.getByText('Labels, runbook, description').click();
    await dialog.getByRole('button', { name: 'Add a label' }).click();
    await dialog.getByLabel('Name of label 1').fill('team');
    await dialog.getByLabel('Value of label 1').fill('payments');
    await dialog.getByLabel(/^Runbook/).fill('https://runbooks.example.com/checkout');
    assert.deepEqual(await violations(page), []);
    await create('When 100 error lines within 1 min; over once it was false for 15 min; then not again for 5 min.');
    await page.getByText('team=payments').waitFor();

    await begin('Declined', 'log_query');
    await dialog.getByLabel('Search', { exact: true }).fill('level:eror');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText(/"eror" is no level/).first().waitFor();
    await dialog.getByLabel('Search', { exact: true }).fill('declined');
    await dialog.getByLabel(/^By itself for each/).fill('region');
    await create(/10 lines within 5 min match “declined”, for each region/);
    await begin('Rate', 'error_rate');
    await create(/5 % of the lines within 5 min are errors, of 50 lines at least/);
    await begin('Quiet', 'silence');
    await create(/sends nothing for 10 min/);
    await begin('Failed', 'deployment_failure');
    await create(/When a deployment fails/);
    await begin('Worse', 'deploy_regression');
    await create(/have 3 times the errors of as long before, and 10 at least/);

    // A heartbeat's address is shown once; calling it is seen.
    await begin('Backup', 'heartbeat');
    await dialog.getByLabel('Service').selectOption('checkout');
    await dialog.getByLabel('Environment').selectOption('production');
    await dialog.getByRole('button', { name: 'Create' }).click();
    const address = /https?:\/\/\S+\/api\/v1\/heartbeats\/slh_\w+/.exec(await dialog.getByTestId('heartbeat').textContent())[0];
    assert.deepEqual(await violations(page), []);
    await dialog.getByRole('button', { name: 'I have it' }).click();
    assert.ok((await context.request.post(new URL(address).pathname.replace(/^/, GATEWAY))).ok());
    await page.getByRole('link', { name: 'Backup' }).click();
    await page.getByText(/called last/).waitFor();

    // A change is compared with what is in force, and stays on record.
    await page.getByRole('link', { name: 'Alerts' }).click();
    await page.getByRole('link', { name: 'Error burst' }).click();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await dialog.getByLabel('Error lines', { exact: true }).fill('9');
    await backtest.getByRole('button', { name: 'Try it' }).click();
    await backtest.getByText(/It would have fired once.*The version in force: never/).waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    const versions = page.getByTestId('versions');
    await versions.getByText('Version 2').waitFor();
    await versions.getByText('params.threshold: 100 → 9').waitFor();
    assert.deepEqual(await violations(page), []);
    watch.check();
  }));

test('an alert that groups is explained once for each group', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    const params = { q: 'declined', comparison: 'at_least', threshold: 1, window_seconds: 60, group_by: ['bank'] };
    await send(context, 'POST', '/api/alerts', { name: 'By bank', type: 'log_query', severity: 'medium', service_id: service.id, params });
    await sendLines(context, service.key, ['north', 'south'].map((bank) => ({ level: 'error', message: 'card declined', meta: { bank } })));
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    const moment = page.getByTestId('moment');
    for (const bank of ['north', 'south']) {
      // Until the alert has looked.
      for (let tries = 0; tries < 20 && !(await moment.getByText(bank, { exact: true }).isVisible()); tries += 1) {
        await page.goto(`${GATEWAY}/explain?service_id=${service.id}&environment_id=${service.environment.id}`);
        await moment.getByText('By bank').first().waitFor();
      }
      await moment.getByText(bank, { exact: true }).waitFor();
    }
    watch.check();
  }));
