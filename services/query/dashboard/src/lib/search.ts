/** A search as it stands in the address. */

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type Level = (typeof LEVELS)[number];

export interface Search {
  q: string;
  service: string;
  environment: string;
  /** Empty: all. */
  levels: Level[];
  trace_id: string;
  request_id: string;
  from: string;
  to: string;
}

export const DEFAULT_FROM = '-1h';
export const PRESETS: [string, string][] = [
  ['-5m', '5 minutes'],
  ['-15m', '15 minutes'],
  ['-1h', '1 hour'],
  ['-6h', '6 hours'],
  ['-24h', '24 hours'],
  ['-3d', '3 days'],
  ['-7d', '7 days'],
  ['-30d', '30 days'],
];

export function readSearch(params: URLSearchParams): Search {
  const text = (name: string) => params.get(name) ?? '';
  const levels = text('level').split(',');
  return {
    q: text('q'),
    service: text('service'),
    environment: text('environment'),
    levels: LEVELS.filter((level) => levels.includes(level)),
    trace_id: text('trace_id'),
    request_id: text('request_id'),
    from: text('from') || DEFAULT_FROM,
    to: text('to'),
  };
}

/** The parameters of a search for everything. */
export const NO_FILTER = { q: null, level: null, service: null, environment: null, trace_id: null, request_id: null, line: null };

export const isFiltered = (search: Search): boolean => Boolean(search.q || search.levels.length || search.service || search.environment || search.trace_id || search.request_id);

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** `-15m`, `now` or RFC 3339 as milliseconds; null when it is neither. */
export function moment(text: string, now: number): number | null {
  if (text === 'now') return now;
  const relative = /^-(\d{1,9})([smhdw])$/.exec(text);
  if (relative) return now - Number(relative[1]) * (UNITS[relative[2] ?? ''] ?? 1) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** What the API is asked; both ends absolute, so that further pages mean the same lines. */
export function asked(search: Search, now: number) {
  const absolute = (text: string) => {
    const at = moment(text, now);
    return at !== null && (text === 'now' || text.startsWith('-')) ? new Date(at).toISOString() : text;
  };
  const given = {
    service: search.service,
    environment: search.environment,
    level: search.levels.join(','),
    q: search.q,
    trace_id: search.trace_id,
    request_id: search.request_id,
    to: absolute(search.to),
  };
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value)) as Partial<typeof given>;
  return { ...present, from: absolute(search.from) };
}

/** The address of a search whose times are absolute: it means the same whenever it is opened. */
export function searchPath({ from, to, ...parts }: { from: number; to: number; service?: string; environment?: string; level?: string; q?: string; line?: string; trace_id?: string; request_id?: string }): string {
  const given = Object.entries(parts).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `/logs?${new URLSearchParams([...given, ['from', new Date(from).toISOString()], ['to', new Date(to).toISOString()]])}`;
}

/** The address of one line, which means the same whenever it is opened. */
export function permalink(line: { id: string; timestamp: string; service: string; environment: string }): string {
  const at = Date.parse(line.timestamp);
  const params = new URLSearchParams({
    service: line.service,
    environment: line.environment,
    from: new Date(at - 60_000).toISOString(),
    // Newest come first: what is soon after it would stand before it.
    to: new Date(at + 1_000).toISOString(),
    line: line.id,
  });
  return `/logs?${params}`;
}

/** The value of `meta.a.b`, or of a field of the line, as one text. */
export function field(line: object, path: string): string {
  let value: unknown = line;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return '';
    value = (value as Record<string, unknown>)[part];
  }
  return value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

/** Lines, newest first, with others among them where their time belongs; none twice. */
export function woven<T extends { id: string; timestamp: string }>(lines: T[], others: T[]): T[] {
  const known = new Set(lines.map((line) => line.id));
  const fresh = others.filter((line) => !known.has(line.id)).sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp));
  if (!fresh.length) return lines;
  const merged: T[] = [];
  let next = 0;
  for (const line of lines) {
    while (fresh[next] && Date.parse((fresh[next] as T).timestamp) >= Date.parse(line.timestamp)) merged.push(fresh[next++] as T);
    merged.push(line);
  }
  return [...merged, ...fresh.slice(next)];
}
