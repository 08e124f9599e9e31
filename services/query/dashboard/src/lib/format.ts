/** Times and numbers as people read them. */

export type Zone = 'local' | 'utc';

const pad = (value: number, width = 2) => String(value).padStart(width, '0');

/** Parts of a moment in a zone. */
function parts(at: Date, zone: Zone): [number, number, number, number, number, number, number] {
  return zone === 'utc'
    ? [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds(), at.getUTCMilliseconds()]
    : [at.getFullYear(), at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds(), at.getMilliseconds()];
}

/** 2026-01-31 12:00:05.123 */
export function stamp(text: string | number | Date, zone: Zone = 'local', milliseconds = true): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return String(text);
  const [y, mo, d, h, mi, s, ms] = parts(at, zone);
  return `${y}-${pad(mo)}-${pad(d)} ${pad(h)}:${pad(mi)}:${pad(s)}${milliseconds ? `.${pad(ms, 3)}` : ''}`;
}

/** Jan 31 12:00:05.123: one line of a list. */
export function shortStamp(text: string, zone: Zone): string {
  return stamp(text, zone).slice(5);
}

/** 5 min, of 298 s: what a person would say. */
export function roughly(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 45) return `${Math.round(size)} s`;
  if (size < 2700) return `${Math.round(size / 60)} min`;
  return size < 79200 ? `${Math.round(size / 3600)} h` : `${Math.round(size / 86400)} d`;
}

/** "5 min ago"; the exact moment belongs into a title beside it. */
export function ago(text: string, now = Date.now()): string {
  const seconds = Math.round((now - new Date(text).getTime()) / 1000);
  if (Math.abs(seconds) < 5) return 'just now';
  return seconds >= 0 ? `${roughly(seconds)} ago` : `in ${roughly(seconds)}`;
}

/** 90 s, 5 min, 2 h, 1 d */
export function duration(seconds: number): string {
  if (seconds >= 86400 && seconds % 86400 === 0) return `${seconds / 86400} d`;
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600} h`;
  if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60} min`;
  return `${seconds} s`;
}

const numbers = new Intl.NumberFormat('en');
export const count = (value: number): string => numbers.format(value);

/** 512 B, 3.4 MB */
export function bytes(size: number): string {
  const [value, unit] = size < 1000 ? [size, 'B'] : size < 1e6 ? [size / 1e3, 'KB'] : size < 1e9 ? [size / 1e6, 'MB'] : [size / 1e9, 'GB'];
  return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`;
}

export const words = (name: string): string => name.replace(/[_.]/g, ' ');
