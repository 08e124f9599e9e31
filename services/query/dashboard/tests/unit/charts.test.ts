import { describe, expect, it } from 'vitest';
import { moved, readWidths, widthOf } from '../../src/lib/columns';
import { firstLine, ofDeployment, ofIncident, place, type Mark } from '../../src/lib/marks';
import { frame, reached, rolling } from '../../src/lib/preview';
import { plotted } from '../../src/lib/table';

const mark = (id: string, at: number): Mark => ({ id, kind: 'deployment', at, title: id, detail: '', href: '/', bad: false });

describe('marks', () => {
  it('stand where their time is, together where they would cover one another, and not outside', () => {
    const area = { left: 50, width: 100, min: 0, max: 1000 };
    const placed = place([mark('late', 900), mark('b', 110), mark('a', 100), mark('before', -1), mark('after', 1001)], area, 16);
    expect(placed.map(({ left, marks }) => [left, marks.map(({ id }) => id)])).toEqual([[60, ['a', 'b']], [140, ['late']]]);
    expect(place([mark('a', 0)], { ...area, max: 0 }, 16)).toEqual([]);
  });
  it('say what happened and lead there', () => {
    const at = { status: 'failure', status_at: '2026-01-31T12:00:00Z', finished_at: '2026-01-31T12:05:00Z', commit_message: 'Fix it\n\nbecause' };
    expect(ofDeployment({ id: 'a/b', ...at }, 'checkout')).toMatchObject({ title: 'Deployment without a version: failure', detail: 'checkout · Fix it', href: '/deployments?deployment=a%2Fb', at: Date.parse('2026-01-31T12:05:00Z'), bad: true });
    expect(ofIncident({ id: 'i', title: 'Down', severity: 'high', status: 'resolved', opened_at: '2026-01-31T12:00:00Z' }, '')).toMatchObject({ title: 'Incident: Down', detail: 'high · resolved', href: '/incidents/i', bad: false });
    expect(firstLine(null)).toBe('');
  });
});

describe('the preview of a rule', () => {
  const minutes = { step: 60, width: 2, times: [0, 60, 120, 180] };
  const row = (second: number, env: string, errors: number) => [new Date(second * 1000).toISOString(), 'shop', env, errors];
  it('counts what is in the window at each moment, of each place by itself', () => {
    const seen = rolling([row(0, 'a', 3), row(60, 'a', 4), row(180, 'a', 1), row(120, 'b', 9), row(9999, 'b', 9)], minutes);
    expect(seen).toEqual([{ name: 'shop, b', values: [0, 0, 9, 9] }, { name: 'shop, a', values: [3, 7, 4, 1] }]);
    expect([reached(seen, 4), reached(seen, 8), reached(seen, 10)]).toEqual([2, 1, 0]);
  });
  it('counts a threshold that is reached, left and reached again twice', () => {
    expect(reached([{ name: '', values: [5, 5, 0, 5] }], 5)).toBe(2);
  });
  it('is as fine as the window is short', () => {
    const shape = (window: number) => (({ step, width, times }) => [step, width, times.length, times.at(-1)])(frame(window, 1_000_000_000_000));
    expect(shape(10)).toEqual([10, 1, 360, 1_000_000_000]);
    expect(shape(300)).toEqual([60, 5, 360, 999_999_960]);
    expect(shape(3600)).toEqual([360, 10, 360, 999_999_720]);
  });
});

describe('numbers over time', () => {
  const time = { kind: 'time', name: 'time' };
  it('are lines without gaps, the largest first', () => {
    const columns = [time, { kind: 'field', name: 'host' }, { kind: 'number', name: 'count()' }];
    const at = (minute: number) => new Date(minute * 60_000).toISOString();
    const plot = plotted(columns, [[at(0), 'a', 1], [at(1), 'a', 2], [at(3), 'b', 9], [at(3), null, 1]]);
    expect(plot).toEqual({
      times: [0, 60, 120, 180], step: 60, others: 0,
      series: [{ name: 'b', values: [0, 0, 0, 9] }, { name: 'a', values: [1, 2, 0, 0] }, { name: '–', values: [0, 0, 0, 1] }],
    });
  });
  it('know nothing where no line is, but for counts', () => {
    const columns = [time, { kind: 'number', name: 'p95(ms)' }];
    expect(plotted(columns, [['1970-01-01T00:00:00Z', 5], ['1970-01-01T00:00:20Z', null], ['1970-01-01T00:00:10Z', 7]])?.series).toEqual([{ name: 'p95(ms)', values: [5, 7, null] }]);
  });
  it('need a time and a number', () => {
    expect(plotted([{ kind: 'field', name: 'a' }, { kind: 'number', name: 'count()' }], [['x', 1]])).toBeNull();
    expect(plotted([time], [['1970-01-01T00:00:00Z']])).toBeNull();
    expect(plotted([time, { kind: 'number', name: 'n' }], [])).toBeNull();
  });
});

describe('columns', () => {
  it('keep sane widths only, whatever was stored', () => {
    expect(readWidths('{"a":1,"b":"x","c":9999,"d":120.4,"e":null}')).toEqual({ a: 48, c: 800, d: 120 });
    expect([readWidths('[1'), readWidths('null'), readWidths(null)]).toEqual([{}, {}, {}]);
    expect([widthOf({ a: 60 }, 'a'), widthOf({}, 'constructor')]).toEqual([60, 112]);
  });
  it('move to another place', () => {
    expect([moved(['a', 'b', 'c'], 'a', 2), moved(['a', 'b', 'c'], 'c', -5), moved(['a'], 'x', 0)]).toEqual([['b', 'c', 'a'], ['c', 'a', 'b'], ['a']]);
  });
});
