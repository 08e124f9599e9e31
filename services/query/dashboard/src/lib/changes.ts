/** Two windows of time that are compared, and the way from what differs to its lines. */
import type { components } from './api/query';
import { stamp, type Zone } from './format';
import { withPattern } from './patterns';
import { filterOf } from './query';
import { searchPath, type Search } from './search';

type Parts = components['schemas'];

export interface Compared {
  answer: Parts['ChangesView'];
  filter: Record<string, string>;
}

/** How long before and after a deployment is looked at. */
export const AROUNDS: [string, string][] = [['15m', '15 min'], ['1h', '1 h'], ['6h', '6 h'], ['24h', '1 d'], ['7d', '7 d']];

/** A search without an end looks a little ahead, for clocks that are; nobody asked for that. */
export const periodOf = (window: { from: string; to: string }, zone: Zone): string =>
  `${stamp(window.from, zone, false)} – ${Date.parse(window.to) > Date.now() ? 'now' : stamp(window.to, zone, false)}`;

const AROUND_MS = 3_600_000;

/** What a deployment changed: patterns and values of the hour after it against the hour before. */
export const changesPath = (deployment: string, at: number, place: { service?: string; environment?: string }): string =>
  `${searchPath({ ...place, from: at - AROUND_MS, to: at + AROUND_MS })}&${new URLSearchParams({ tab: 'changes', deployment })}`;

/** The lines of a pattern or value in one of the windows; `place` is where a deployment went to. */
export function linesOf(search: Search, query: string, window: { from: string; to: string }, place: { service?: string; environment?: string }): string {
  const { service, environment, levels, trace_id, request_id } = search;
  const given = { service, environment, ...place, level: levels.join(','), trace_id, request_id };
  return searchPath({ ...given, q: withPattern(filterOf(search.q), query, 'include'), from: Date.parse(window.from), to: Date.parse(window.to) });
}
