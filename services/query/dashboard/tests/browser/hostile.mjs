// Text that a log line or a tenant controls does nothing but show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY, makeService, send, sendLines, settled, signUp, Watch, withBrowser } from './browser.mjs';

const PAYLOADS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "'-alert(1)-'",
  '<iframe src="javascript:alert(1)"></iframe>',
  '<a href="javascript:alert(1)" id=evil>x</a>',
  '<style>@import "//evil.example"</style>',
  '<base href="//evil.example/">',
  '<form action="//evil.example"><input type=submit></form>',
  '<meta http-equiv=refresh content="0;url=//evil.example">',
  '<link rel=stylesheet href=//evil.example/x.css>',
  '<object data="data:text/html,<script>alert(1)</script>"></object>',
  '<embed src="javascript:alert(1)">',
  '<math><mtext></p><img src=x onerror=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<video><source onerror=alert(1)>',
  '<body onload=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<template><script>alert(1)</script></template>',
  '</script><script>alert(1)</script>',
  '</title><script>alert(1)</script>',
  '<!--><img src=x onerror=alert(1)>-->',
  '{@html "<img src=x onerror=alert(1)>"}',
  '{{constructor.constructor("alert(1)")()}}',
  '${alert(1)}',
  'javascript:alert(1)',
  '\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007',
  '\u001b[31m<img src=x onerror=alert(1)>\u001b[0m',
  'a\u202e<img src=x onerror=alert(1)>\u2066',
  '&lt;img src=x onerror=alert(1)&gt; &#60;script&#62;alert(1)',
];

test('thirty payloads in every field show as text', () =>
  withBrowser(async (browser) => {
    const all = PAYLOADS.join(' ').replace(/\p{Cc}|[\u202e\u2066]/gu, '');
    const name = (index) => `${PAYLOADS[index]} ${index}`.slice(0, 100);
    const { context } = await signUp(browser, name(0));
    const service = await makeService(context, name(1));
    await send(context, 'POST', `/api/services/${service.id}/environments`, { name: 'canary' });
    await send(context, 'PATCH', `/api/services/${service.id}`, { description: all.slice(0, 400) });
    await send(context, 'POST', '/api/alerts', { name: name(2), type: 'error_count', severity: 'high', params: { threshold: 500, window_seconds: 60 } });
    await send(context, 'POST', '/api/channels', { type: 'slack', name: name(4), config: { webhook_url: 'http://127.0.0.1:9/services/x' } });
    const incident = await send(context, 'POST', '/api/incidents', { title: name(5), severity: 'low', summary: all.slice(0, 1000) });
    await send(context, 'POST', `/api/incidents/${incident.id}/notes`, { text: all.slice(0, 2000) });
    await send(context, 'POST', '/api/v1/deployments', { status: 'success', version: '<img src=x onerror=alert(1)>', commit_message: all.slice(0, 500), actor: PAYLOADS[5], ref: PAYLOADS[2], name: PAYLOADS[4] }, { 'X-API-Key': service.key });
    await sendLines(context, service.key, [
      ...PAYLOADS.map((payload) => ({ message: payload, trace_id: payload.slice(0, 60), request_id: payload.slice(0, 60), meta: { [payload]: payload, k: { [payload]: [payload] } } })),
      { message: 'x'.repeat(900_000) },
      { message: 'many', meta: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key${i}`, PAYLOADS[i % 30]])) },
    ]);

    const watch = new Watch();
    const page = watch.on(await context.newPage());
    const paths = ['/start', '/overview', '/services', `/services/${service.id}`, '/deployments', '/incidents', `/incidents/${incident.id}`, '/alerts', '/channels', '/members', '/audit', '/diagnostics', '/account'];
    for (const path of paths) {
      await page.goto(GATEWAY + path);
      await settled(page);
      await refuseElements(page, path);
    }
    assert.ok((await (await page.goto(`${GATEWAY}/incidents/${incident.id}`)).status()) === 200);
    await page.getByText('</title><script>alert(1)</script>', { exact: false }).first().waitFor();

    // Lines wrapped and not, each opened, with payloads as words, columns, filters and ids in the address.
    await page.goto(`${GATEWAY}/logs?wrap=1&cols=service,trace_id,meta.k`);
    await settled(page);
    await refuseElements(page, 'wrapped lines');
    await page.goto(`${GATEWAY}/logs?cols=service,request_id`);
    await settled(page);
    await page.getByTestId('lines').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    for (let i = 0; i <= PAYLOADS.length + 1; i += 1) {
      await page.getByTestId('drawer').waitFor();
      await refuseElements(page, `line ${i}`);
      await page.keyboard.press('j');
    }
    for (const payload of PAYLOADS) {
      const text = encodeURIComponent(payload);
      await page.goto(`${GATEWAY}/logs?q=${text}&service=${text}&environment=${text}&trace_id=${text}&from=${text}&cols=${text}&line=${text}`);
      await settled(page);
    }
    await page.goto(`${GATEWAY}/login?next=${encodeURIComponent('javascript:alert(1)')}`);
    await page.waitForFunction(() => document.title.length > 0);
    watch.check();
  }));

/** Nothing of a payload may have become an element or an attribute. */
async function refuseElements(page, where) {
  const found = await page.evaluate(() => [
    ...[...document.querySelectorAll('#app script, #app style, #app iframe, #app object, #app embed, #app base, #app link, #app meta, #app video, #app svg, #app math, #evil, [src="x"], [href^="javascript:" i]')].map((element) => element.outerHTML.slice(0, 200)),
    ...[...document.querySelectorAll('*')].flatMap((element) => element.getAttributeNames().filter((name) => name.startsWith('on'))),
  ]);
  assert.deepEqual(found, [], where);
}
