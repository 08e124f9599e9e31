// Many lines: following them costs no more memory the longer it goes on, and scrolling stays smooth. What is asked of whom
// waits minutes: FOLLOW_SECONDS=60.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GATEWAY, makeService, sendLines, signUp, Watch, withBrowser } from './browser.mjs';

const FOLLOW_SECONDS = Number(process.env.FOLLOW_SECONDS ?? 12);
const LINES_A_SECOND = 500;
const PARTS_A_SECOND = 5;
/** More than are held. */
const BEFORE = 8000;
const MOST_GROWTH = 1_000_000;

let sent = 0;
const lines = (count) =>
  Array.from({ length: count }, () => {
    sent += 1;
    return { level: sent % 20 ? 'info' : 'error', message: `request ${sent} took ${sent % 977} ms and answered with what was asked for`, trace_id: `trace-${sent}`, meta: { order: sent, http: { status: 200 } } };
  });

/** Bytes in use once all garbage is gone. */
async function heap(cdp) {
  for (let i = 0; i < 3; i += 1) await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  const { nodes } = await cdp.send('Memory.getDOMCounters');
  return { usedSize, nodes };
}

test('following lines for long keeps memory flat', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    const cdp = await context.newCDPSession(page);
    await page.goto(`${GATEWAY}/logs?live=1`);
    await page.getByText('lines/s').waitFor();

    /** Sends at the rate for some seconds, and waits until the last line is there. */
    const follow = async (seconds, rate) => {
      const start = performance.now();
      for (let part = 1; part <= seconds * PARTS_A_SECOND; part += 1) {
        await sendLines(context, service.key, lines(rate / PARTS_A_SECOND));
        await sleep(Math.max(0, start + (part * 1000) / PARTS_A_SECOND - performance.now()));
      }
      await page.getByTestId('lines').getByText(`request ${sent} took`).waitFor();
    };
    await follow(BEFORE / (4 * LINES_A_SECOND), 4 * LINES_A_SECOND);
    const before = await heap(cdp);
    await follow(FOLLOW_SECONDS, LINES_A_SECOND);
    const after = await heap(cdp);
    const growth = after.usedSize - before.usedSize;
    console.log(`heap ${before.usedSize} B, then ${after.usedSize} B; nodes ${before.nodes}, then ${after.nodes}`);
    assert.ok(growth < MOST_GROWTH, `${growth} bytes more after ${FOLLOW_SECONDS * LINES_A_SECOND} further lines`);
    assert.ok(after.nodes < before.nodes + 500, `${after.nodes - before.nodes} nodes more`);
    watch.check();
  }));

const SCROLLED = 100_000;
const LINES_A_BODY = 2500;
/** Of a frame, in ms. */
const SMOOTH = 50;
/** Pixels a frame: a hundred lines, faster than anybody reads. */
const STEP = 2400;

test('a hundred thousand lines scroll smoothly', () =>
  withBrowser(async (browser) => {
    const { context } = await signUp(browser, 'Acme');
    const service = await makeService(context, 'checkout');
    for (let i = 0; i < SCROLLED / LINES_A_BODY; i += 1) await sendLines(context, service.key, lines(LINES_A_BODY));
    const watch = new Watch();
    const page = watch.on(await context.newPage());
    await page.goto(`${GATEWAY}/logs`);
    await page.getByTestId('lines').getByText('request').first().waitFor();

    const scroll = ({ to, step, patience }) =>
      page.evaluate(
        async ({ to, step, patience }) => {
          const list = document.querySelector('[data-testid=lines]');
          const frames = [];
          const shown = () => Number(/([\d,]+)\+? lines/.exec(document.querySelector('[data-testid=status]').textContent)?.[1].replaceAll(',', '') ?? 0);
          let [last, since, blank, top] = [performance.now(), performance.now(), 0, -1];
          while (performance.now() - since < patience) {
            list.scrollTop += step;
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            frames.push(now - last);
            last = now;
            // Something has to be there wherever it stopped.
            const { top: edge, height, left } = list.getBoundingClientRect();
            if (!document.elementFromPoint(left + 300, edge + height / 2)?.closest('.line')) blank += 1;
            if (list.scrollTop !== top) since = now;
            top = list.scrollTop;
            if (step > 0 ? top + list.clientHeight >= list.scrollHeight - 5 && shown() >= to : top === 0) break;
          }
          frames.sort((a, b) => a - b);
          return { frames: frames.length, p50: frames[Math.floor(frames.length * 0.5)], p95: frames[Math.floor(frames.length * 0.95)], worst: frames.at(-1), blank, shown: shown() };
        },
        { to, step, patience },
      );
    // Down, while further lines are fetched; then up again through all of them.
    const down = await scroll({ to: SCROLLED, step: STEP, patience: 10_000 });
    const up = await scroll({ to: 0, step: -STEP, patience: 10_000 });
    console.log('down', JSON.stringify(down), 'up', JSON.stringify(up));
    assert.equal(down.shown, SCROLLED, 'every line was reached');
    for (const [name, { p95, frames, blank }] of Object.entries({ down, up })) {
      assert.ok(frames > 500, `${name}: ${frames} frames`);
      assert.ok(p95 < SMOOTH, `${name}: 95 of 100 frames within ${p95} ms`);
      assert.ok(blank < frames / 20, `${name}: nothing to see in ${blank} of ${frames} frames`);
    }
    await page.getByTestId('lines').getByText(`request ${sent} took`).waitFor();
    watch.check();
  }));
