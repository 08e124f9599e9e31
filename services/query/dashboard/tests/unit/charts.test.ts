import { describe, expect, it } from 'vitest';
import { moved, readWidths, widthOf } from '../../src/lib/columns';
import { firstLine, ofDeployment, ofIncident, place, type Mark } from '../../src/lib/marks';
import { begun, drawn, held } from '../../src/lib/preview';
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

describe('what a rule would have seen and done', () => {
  const point = (second: number, value: number | null, holds = false) => ({ at: new Date(second * 1000).toISOString(), value, holds });
  const of = (environment: string, points: ReturnType<typeof point>[], group: unknown = null) => ({ service_id: 's', service: 'shop', environment_id: 'e', environment, group: group as never, points });
  it('is drawn from where each stretch begins, with gaps where nothing can be said', () => {
    const preview = { step_seconds: 60, series: [of('a', [point(60, 3), point(120, null)]), of('b', [point(60, 1), point(120, 2)], { 'http.path': '/x' })] };
    expect(drawn(preview)).toEqual({ step: 60, times: [0, 60], series: [{ name: 'shop, a', values: [3, null] }, { name: 'shop, b, /x', values: [1, 2] }] });
    expect(drawn({ step_seconds: 60, series: [] })).toEqual({ step: 60, times: [], series: [] });
  });
  it('counts how often the condition became true, in each place by itself', () => {
    expect(held([of('a', [point(0, 5, true), point(60, 5, true), point(120, 0), point(180, 5, true)]), of('b', [point(0, 0), point(60, 9, true)])])).toBe(3);
  });
  it('counts episodes where they begin, the last one too', () => {
    const found = begun([{ begin: '1970-01-01T00:00:00Z' }, { begin: '1970-01-01T01:00:00Z' }, { begin: '1970-01-01T00:30:30Z' }], '1970-01-01T00:00:00Z', '1970-01-01T01:00:00Z');
    expect([found.step, found.times.length, found.times[1]]).toEqual([60, 60, 60]);
    expect(found.counts.flatMap((count, index) => (count ? [[index, count]] : []))).toEqual([[0, 1], [30, 1], [59, 1]]);
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
