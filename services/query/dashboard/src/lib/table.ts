/** Numbers over time as lines of a chart. */

interface Column {
  kind: string;
  name: string;
}

export interface Plotted {
  /** Starts of the buckets in seconds, without a gap, and their length. */
  times: number[];
  step: number;
  series: { name: string; values: (number | null)[] }[];
  /** Series that are not among them. */
  others: number;
}

export const MOST_SERIES = 8;
const MOST_BUCKETS = 5000;

/** What can be drawn of a table; null if it has no time, or no number. */
export function plotted(columns: Column[], rows: unknown[][]): Plotted | null {
  const time = columns.findIndex((column) => column.kind === 'time');
  const numbers = columns.flatMap((column, index) => (column.kind === 'number' ? [index] : []));
  if (time < 0 || !numbers.length || !rows.length) return null;
  const groups = columns.flatMap((column, index) => (column.kind === 'field' ? [index] : []));
  const starts = [...new Set(rows.map((row) => Date.parse(String(row[time])) / 1000))].filter(Number.isFinite).sort((a, b) => a - b);
  const times = withoutGaps(starts);
  if (!times) return null;
  const at = new Map(times.map((start, index) => [start, index]));
  const found = new Map<string, (number | null)[]>();
  for (const row of rows) {
    const place = at.get(Date.parse(String(row[time])) / 1000);
    if (place === undefined) continue;
    const group = groups.map((index) => (row[index] === null ? '–' : String(row[index]))).join(', ');
    for (const index of numbers) {
      const column = columns[index]?.name ?? '';
      const name = [group, numbers.length > 1 || !group ? column : ''].filter(Boolean).join(' · ');
      // Where no line is, there are none; of anything else nothing is known.
      const values = found.get(name) ?? times.map(() => (column.startsWith('count') ? 0 : null));
      values[place] = typeof row[index] === 'number' ? row[index] : null;
      found.set(name, values);
    }
  }
  const size = (values: (number | null)[]) => values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const series = [...found].map(([name, values]) => ({ name, values })).sort((a, b) => size(b.values) - size(a.values));
  return { times, step: (times[1] ?? 0) - (times[0] ?? 0) || 60, series: series.slice(0, MOST_SERIES), others: Math.max(0, series.length - MOST_SERIES) };
}

/** Buckets as long as the shortest distance between two; null if that makes too many. */
function withoutGaps(starts: number[]): number[] | null {
  const [first, last] = [starts[0], starts.at(-1)];
  if (first === undefined || last === undefined) return null;
  const step = starts.slice(1).reduce((least, start, index) => Math.min(least, start - (starts[index] ?? 0)), Infinity);
  if (starts.length === 1) return starts;
  const count = Math.round((last - first) / step) + 1;
  return count > MOST_BUCKETS ? null : Array.from({ length: count }, (_, index) => first + index * step);
}
