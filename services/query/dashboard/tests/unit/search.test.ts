import { describe, expect, it } from 'vitest';
import { asked, field, moment, permalink, readSearch, woven } from '../../src/lib/search';

const NOW = Date.parse('2026-01-31T12:00:00Z');

describe('a search in the address', () => {
  it('keeps known levels, in their order, and an hour when nothing is said', () => {
    expect(readSearch(new URLSearchParams('level=fatal,loud,error&q=a'))).toMatchObject({ q: 'a', levels: ['error', 'fatal'], from: '-1h', to: '' });
  });
  it('asks with absolute times, so that further pages mean the same', () => {
    const search = readSearch(new URLSearchParams('from=-15m&to=now&service=shop'));
    expect(asked(search, NOW)).toEqual({ service: 'shop', from: '2026-01-31T11:45:00.000Z', to: '2026-01-31T12:00:00.000Z' });
  });
  it('lets the API refuse what is no time', () => {
    expect(moment('yesterday', NOW)).toBeNull();
    expect(asked(readSearch(new URLSearchParams('from=yesterday')), NOW)).toEqual({ from: 'yesterday' });
  });
  it('links to a line by a time in which it is among the first', () => {
    const link = permalink({ id: '7', timestamp: '2026-01-31T12:00:00.123456Z', service: 'a&b', environment: 'production' });
    const params = new URL(link, 'http://x').searchParams;
    expect(params.get('service')).toBe('a&b');
    expect(Date.parse(params.get('to') ?? '')).toBeGreaterThan(Date.parse('2026-01-31T12:00:00.124Z'));
    expect(Date.parse(params.get('to') ?? '')).toBeLessThan(Date.parse('2026-01-31T12:00:02Z'));
    expect(params.get('line')).toBe('7');
  });
  it('reads fields by their path, and nothing from prototypes', () => {
    const line = { service: 's', meta: { a: { b: 1 }, list: [1] } };
    expect([field(line, 'service'), field(line, 'meta.a.b'), field(line, 'meta.list'), field(line, 'meta.none.b')]).toEqual(['s', '1', '[1]', '']);
    expect(field(line, 'constructor.name')).toBe('');
  });
});

describe('lines that were missed', () => {
  const line = (id: string, minute: number) => ({ id, timestamp: new Date(minute * 60_000).toISOString() });
  it('are put where their time belongs, and none twice', () => {
    const shown = [line('e', 5), line('c', 3), line('a', 1)];
    expect(woven(shown, [line('c', 3), line('b', 2), line('f', 6), line('d', 4), line('0', 0)]).map(({ id }) => id)).toEqual(['f', 'e', 'd', 'c', 'b', 'a', '0']);
    expect(woven(shown, [line('e', 5)])).toBe(shown);
    expect(woven([], [line('a', 1), line('b', 2)]).map(({ id }) => id)).toEqual(['b', 'a']);
  });
});
