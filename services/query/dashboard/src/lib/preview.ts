/** What a rule would have seen and done, for charts. */
import type { Schemas } from './api';

export const MOST_SERIES = 6;
const BUCKETS = 60;

/** How often the condition became true, in all places together. */
export const held = (series: { points: { holds: boolean }[] }[]): number =>
  series.reduce((sum, { points }) => sum + points.filter((point, index) => point.holds && !points[index - 1]?.holds).length, 0);

/** What people call a place, with the values that the rule groups by. */
export function placeName(one: { service: string; environment: string; group?: unknown }): string {
  return [one.service, one.environment, groupName(one.group)].filter(Boolean).join(', ');
}

/** The values that a rule groups by. */
export const groupName = (group: unknown): string =>
  typeof group === 'object' && group !== null ? Object.values(group).map(String).join(', ') : '';

export interface Drawn {
  /** Starts of the stretches in seconds, and their length. */
  times: number[];
  step: number;
  series: { name: string; values: (number | null)[] }[];
}

export function drawn(preview: Pick<Schemas['PreviewView'], 'series' | 'step_seconds'>): Drawn {
  const step = preview.step_seconds;
  const points = preview.series[0]?.points ?? [];
  return {
    step,
    times: points.map(({ at }) => Date.parse(at) / 1000 - step),
    series: preview.series.slice(0, MOST_SERIES).map((one) => ({ name: placeName(one), values: one.points.map(({ value }) => value ?? null) })),
  };
}

/** How many episodes began when. */
export function begun(episodes: { begin: string }[], from: string, to: string): { times: number[]; step: number; counts: number[] } {
  const [first, last] = [Date.parse(from) / 1000, Date.parse(to) / 1000];
  const step = Math.max(1, (last - first) / BUCKETS);
  const counts = Array.from({ length: BUCKETS }, () => 0);
  for (const { begin } of episodes) {
    const at = Math.min(BUCKETS - 1, Math.max(0, Math.floor((Date.parse(begin) / 1000 - first) / step)));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return { times: counts.map((_, index) => first + index * step), step, counts };
}
