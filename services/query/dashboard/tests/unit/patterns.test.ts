import { describe, expect, it } from 'vitest';
import { changesPath, linesOf } from '../../src/lib/changes';
import { holes, isNew, percent, withPattern } from '../../src/lib/patterns';
import { chips } from '../../src/lib/query';
import { readSearch } from '../../src/lib/search';

const QUERY = 'service:checkout "payment for order" "failed card_declined"';

describe('patterns', () => {
  it('become parts of a query that can be taken away again', () => {
    expect(withPattern('level:error', QUERY, 'include')).toBe(`level:error ${QUERY}`);
    expect(withPattern(`level:error ${QUERY}`, QUERY, 'include')).toBe(`level:error ${QUERY}`);
    const without = withPattern('level:error', QUERY, 'exclude');
    expect(without).toBe(`level:error -(${QUERY})`);
    expect(chips(without).map(({ part }) => part)).toEqual(['level:error', `-(${QUERY})`]);
    expect(withPattern('', 'service:checkout', 'exclude')).toBe('-service:checkout');
  });
  it('keep what is joined with OR together', () => {
    expect(withPattern('a OR b', QUERY, 'exclude')).toBe(`(a OR b) -(${QUERY})`);
    expect(withPattern('a OR b', QUERY, 'include')).toBe(`(a OR b) ${QUERY}`);
  });
  it('show what varies, and are new if they were first seen within the time', () => {
    expect(holes('a <*> b <*>')).toEqual(['a ', '<*>', ' b ', '<*>', '']);
    expect([isNew({ first_seen: '2026-01-31T12:00:00Z' }, '2026-01-31T12:00:00.000Z'), isNew({ first_seen: '2026-01-31T11:59:59Z' }, '2026-01-31T12:00:00Z')]).toEqual([true, false]);
    expect([percent(0), percent(0.0004), percent(0.0523), percent(0.431), percent(1)]).toEqual(['0 %', 'under 0.1 %', '5.2 %', '43 %', '100 %']);
  });
  it('lead to their lines in one of the windows, where a deployment went to', () => {
    const search = readSearch(new URLSearchParams('q=declined | stats count()&level=error&service=all&trace_id=t1'));
    const path = linesOf(search, 'region:eu', { from: '2026-01-31T12:00:00Z', to: '2026-01-31T13:00:00Z' }, { service: 'checkout', environment: 'production' });
    expect(Object.fromEntries(new URL(path, 'http://x').searchParams)).toEqual({ service: 'checkout', environment: 'production', level: 'error', trace_id: 't1', q: 'declined region:eu', from: '2026-01-31T12:00:00.000Z', to: '2026-01-31T13:00:00.000Z' });
    expect(Object.fromEntries(new URL(changesPath('d', Date.parse('2026-01-31T12:00:00Z'), { service: 'checkout' }), 'http://x').searchParams)).toEqual({ service: 'checkout', from: '2026-01-31T11:00:00.000Z', to: '2026-01-31T13:00:00.000Z', tab: 'changes', deployment: 'd' });
  });
});
