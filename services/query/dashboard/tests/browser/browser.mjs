// What the browser tests share: a Chromium, a signed-in organisation, the accessibility check, and what must never happen.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const GATEWAY = process.env.GATEWAY_URL;
export const INGEST = process.env.INGEST_URL;
const PASSWORD = 'correct horse battery staple';
const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** What pages do in spite of their policy or because of hostile text; it must stay empty. */
export class Watch {
  seen = [];

  on(page) {
    page.on('dialog', (dialog) => {
      this.seen.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('pageerror', (error) => this.seen.push(`error: ${error.stack}`));
    page.on('console', (message) => {
      if (/Content Security Policy|\[svelte\]/i.test(message.text())) this.seen.push(`console: ${message.text()}`);
    });
    void page.addInitScript(() => addEventListener('securitypolicyviolation', (event) => console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`)));
    page.on('request', (request) => {
      if (!request.url().startsWith(GATEWAY) && !request.url().startsWith('data:')) this.seen.push(`request: ${request.url()}`);
    });
    return page;
  }

  check() {
    assert.deepEqual(this.seen, []);
  }
}

export async function withBrowser(work) {
  // In a container there is no other user than root, with whom Chromium's sandbox does not start.
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  try {
    await work(browser);
  } finally {
    await browser.close();
  }
}

/** A context whose cookies belong to the admin of a new organisation. */
export async function signUp(browser, org_name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(15_000);
  const email = `${crypto.randomUUID()}@example.com`;
  await send(context, 'POST', '/api/auth/signup', { email, password: PASSWORD, org_name });
  return { context, email, password: PASSWORD };
}

/** Calls the API as a page would, and returns what is in `data`. */
export async function send(context, method, path, data, headers = {}) {
  const base = path.startsWith('/api/v1/logs') ? INGEST : GATEWAY;
  const answer = await context.request.fetch(base + path, { method, headers, ...(data === undefined ? {} : { data }) });
  const text = await answer.text();
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${text}`);
  return text ? JSON.parse(text).data : undefined;
}

/** A service with a key for its production. */
export async function makeService(context, name) {
  const service = await send(context, 'POST', '/api/services', { name });
  const { environments } = await send(context, 'GET', `/api/services/${service.id}`);
  const environment = environments.find((entry) => entry.name === 'production');
  const { key } = await send(context, 'POST', `/api/services/${service.id}/keys`, { name: 'test', environment_id: environment.id, scopes: ['logs:write', 'deployments:write'] });
  return { ...service, environment, key };
}

export const sendLines = (context, key, logs) => send(context, 'POST', '/api/v1/logs/ingest', { logs }, { 'X-API-Key': key });

/** What axe finds on the page as it is now, one line each. */
export async function violations(page) {
  // Through the debugger: the page's policy lets no other script in.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: AXE });
  await session.detach();
  return page.evaluate(async () => {
    const { violations: found } = await globalThis.axe.run();
    return found.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`));
  });
}

/** Waits until a page has shown what it loads. */
export async function settled(page) {
  await page.locator('h1').first().waitFor({ state: 'attached' });
  await page.waitForFunction(() => ![...document.querySelectorAll('[role=status]')].some((element) => /^(Loading|Searching) …/.test(element.textContent.trim())));
}
