/** What a page does with patterns of messages; which there are is decided by the API. */
import { split, withPart } from './query';

/** What varies in a template. */
const HOLE = '<*>';

/** A template's text, taken apart: every second piece is a hole. */
export const holes = (text: string): string[] => text.split(HOLE).flatMap((piece, index) => (index ? [HOLE, piece] : [piece]));

/** The query, for lines of this pattern alone or for all others. The pattern's own query is one that the API gave. */
export function withPattern(text: string, query: string, how: 'include' | 'exclude'): string {
  const { parts } = split(query);
  if (how === 'include') return parts.reduce(withPart, text);
  const single = parts.length === 1 ? parts[0] : undefined;
  return withPart(text, single && !/^[-!]/.test(single) ? `-${single}` : `-(${parts.join(' ')})`);
}

/** Whether it was first seen within the range. */
export const isNew = (pattern: { first_seen: string }, from: string): boolean => Date.parse(pattern.first_seen) >= Date.parse(from);

/** 12 %, 0.3 %, under 0.1 % */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0) return '0 %';
  if (value < 0.1) return 'under 0.1 %';
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} %`;
}
