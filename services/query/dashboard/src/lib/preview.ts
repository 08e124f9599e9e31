/** What a rule that counts errors would have seen. */

const BUCKETS = 360;
export const MOST_SERIES = 6;

export interface Frame {
  /** Seconds of a bucket, and how many make the rule's window. */
  step: number;
  width: number;
  /** Starts of the buckets in seconds. */
  times: number[];
}

/** Buckets that end now: as fine as the window is short, and far enough back to see it often. */
export function frame(window_seconds: number, now: number): Frame {
  const step = window_seconds <= 60 ? window_seconds : Math.max(60, Math.ceil(window_seconds / 600) * 60);
  const last = Math.floor(now / 1000 / step) * step;
  return { step, width: Math.max(1, Math.round(window_seconds / step)), times: Array.from({ length: BUCKETS }, (_, index) => last - (BUCKETS - 1 - index) * step) };
}

export interface Seen {
  name: string;
  /** Errors within the window that ends with each bucket. */
  values: number[];
}

/** The errors of each group within the window, at each bucket; those that came nearest to firing first. Rows: start, group …, count. */
export function rolling(rows: unknown[][], { step, width, times }: Frame): Seen[] {
  const first = times[0] ?? 0;
  const counts = new Map<string, number[]>();
  for (const row of rows) {
    const at = Math.round((Date.parse(String(row[0])) / 1000 - first) / step);
    if (at < 0 || at >= times.length) continue;
    const name = row.slice(1, -1).join(', ');
    const own = counts.get(name) ?? times.map(() => 0);
    own[at] = (own[at] ?? 0) + Number(row.at(-1) ?? 0);
    counts.set(name, own);
  }
  const sums = (own: number[]) => {
    let sum = 0;
    return own.map((count, index) => (sum += count - (index >= width ? (own[index - width] ?? 0) : 0)));
  };
  const seen = [...counts].map(([name, own]) => ({ name, values: sums(own) }));
  return seen.sort((a, b) => Math.max(...b.values) - Math.max(...a.values));
}

/** How often a threshold was reached from below. */
export function reached(seen: Seen[], threshold: number): number {
  const times = ({ values }: Seen) => values.filter((value, index) => value >= threshold && (index === 0 || (values[index - 1] ?? 0) < threshold)).length;
  return seen.reduce((sum, one) => sum + times(one), 0);
}
