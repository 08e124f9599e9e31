/** Moments as forms have them, on the clock of the browser; and as another zone reads them. */
import { stamp } from './format';

/** What an input of the kind datetime-local takes. */
export const toLocal = (at: string | number | Date): string => stamp(at, 'local', false).slice(0, 16).replace(' ', 'T');

/** RFC 3339 of what was typed there; null when it is no moment. */
export function fromLocal(text: string): string | null {
  const at = new Date(text);
  return text && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}

/** Sat 2026-12-05 02:30, on the wall clock of a named zone. */
export function stampIn(at: string, timeZone: string): string {
  const how = { timeZone, weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-GB', how).formatToParts(new Date(at)).map(({ type, value }) => [type, value]));
  return `${parts.weekday} ${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}`;
}

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Names of time zones, this one's first. */
export const zones = (): string[] => [...new Set([ownZone(), 'UTC', ...Intl.supportedValuesOf('timeZone')])];

/** Whether something is to come, is, or is over. */
export function phase(one: { starts_at: string; ends_at: string; ended_at?: string | null | undefined }, now: number): 'pending' | 'active' | 'over' {
  if (one.ended_at || Date.parse(one.ends_at) <= now) return 'over';
  return Date.parse(one.starts_at) > now ? 'pending' : 'active';
}

/** 90 min, 2 h, 1 d 12 h */
export function minutesWords(minutes: number): string {
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  return [days ? `${days} d` : '', hours ? `${hours} h` : '', rest ? `${rest} min` : ''].filter(Boolean).join(' ') || '0 min';
}
