/** The text of a query, taken apart as far as a page needs it. What it means is decided by the API alone. */

const KNOWN = ['level', 'service', 'env', 'environment', 'trace_id', 'request_id', 'message', 'ts', 'timestamp'];
const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_-]*$/u;
const PLAIN_VALUE = /^[\p{L}\p{N}_][\p{L}\p{N}_.@-]*$/u;
const NUMBER = /^-?\d+(\.\d+)?$/;
const KEYWORDS = ['AND', 'OR', 'NOT', 'TO'];
/** Longer values make no useful filter, and queries have bounds. */
export const MAX_VALUE = 500;

const quoted = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** How a query names a field of the metadata. */
export function metaName(path: string[]): string {
  return path
    .map((part, index) => {
      const plain = part.split('.').every((step) => PLAIN_NAME.test(step)) && !KEYWORDS.includes(part);
      return plain && !(index === 0 && path.length === 1 && KNOWN.includes(part.toLowerCase())) ? part : quoted(part);
    })
    .join('.');
}

/** A test that a field has this whole value. */
export function term(name: string, value: string): string {
  const plain = (PLAIN_VALUE.test(value) || NUMBER.test(value)) && !KEYWORDS.includes(value.toUpperCase());
  return `${name}:${plain ? value : quoted(value)}`;
}

/** Each part that blanks separate, where quotes, parentheses and regexes are none; and the pipe, with all behind it. */
export function split(text: string): { parts: string[]; pipe: string } {
  const parts: string[] = [];
  let [start, depth, end] = [-1, 0, ''];
  const close = (at: number) => {
    if (start >= 0) parts.push(text.slice(start, at));
    start = -1;
  };
  for (let i = 0; i < text.length; i += 1) {
    const sign = text.charAt(i);
    if (sign === '\\') {
      if (start < 0) start = i;
      i += 1;
    } else if (end) {
      if (sign === end) end = '';
    } else if (sign === '|') {
      close(i);
      return { parts, pipe: text.slice(i).trim() };
    } else if (/\s/.test(sign) && depth === 0) {
      close(i);
    } else {
      const begins = start < 0 || /[\s:(!-]/.test(text.charAt(i - 1));
      if (start < 0) start = i;
      if (sign === '"') end = '"';
      else if (sign === '/' && begins) end = '/';
      else if (sign === '(') depth += 1;
      else if (sign === ')') depth -= 1;
    }
  }
  close(text.length);
  return { parts, pipe: '' };
}

const join = (parts: string[], pipe: string) => [...parts, ...(pipe ? [pipe] : [])].join(' ');
/** Parts that stand for themselves: with OR or NOT between them none does. */
const isLoose = (parts: string[]) => !parts.some((part) => ['OR', 'NOT'].includes(part));

/** The query, and this as well. */
export function withPart(text: string, part: string): string {
  const { parts, pipe } = split(text);
  if (isLoose(parts) && parts.includes(part)) return text;
  const before = parts.includes('OR') ? [`(${parts.join(' ')})`] : parts.filter((entry) => entry !== '*');
  return join([...before, part], pipe);
}

export type How = 'include' | 'exclude' | 'only';

/** The query with a value let in, left out, or let in alone: without what it said of the field before. */
export function withValue(text: string, name: string, value: string, how: How): string {
  const wanted = term(name, value);
  const { parts, pipe } = split(text);
  const isOpposite = (part: string) => (how === 'exclude' ? part === wanted : part === `-${wanted}`);
  const isOfField = (part: string) => part.replace(/^[-!]/, '').startsWith(`${name}:`);
  const kept = isLoose(parts) ? parts.filter((part) => !(how === 'only' ? isOfField(part) : isOpposite(part))) : parts;
  return withPart(join(kept, pipe), how === 'exclude' ? `-${wanted}` : wanted);
}

/** The query without one of its parts; null where parts do not stand for themselves. */
export function chips(text: string): { part: string; without: string }[] {
  const { parts, pipe } = split(text);
  if (!isLoose(parts)) return [];
  return parts.map((part, index) => ({ part, without: join(parts.filter((_, at) => at !== index), pipe) }));
}

/** What is before the pipe, which chooses lines. */
export function filterOf(text: string): string {
  return split(text).parts.join(' ');
}

/** The words and phrases that lines are looked through for. */
export function wordsOf(text: string): string {
  const word = (part: string) => !/^[-!]/.test(part) && !KEYWORDS.includes(part) && !/^("[^"]*"|[^"/:]*):/.test(part);
  return split(text).parts.filter((part, index, all) => word(part) && all[index - 1] !== 'NOT').join(' ');
}

export interface Mistake {
  /** In characters, from 1. */
  column: number;
  message: string;
  fix: string;
}

/** Where a query is wrong, as the API's words have it. */
export function mistake(message: string | undefined): Mistake | null {
  const found = /is no query: column (\d+): (.*?); (.*)$/s.exec(message ?? '');
  return found ? { column: Number(found[1]), message: found[2] ?? '', fix: found[3] ?? '' } : null;
}

/** What is being typed: the word up to the caret, and its field if it has one. */
export function typing(text: string, caret: number): { start: number; name: string | null; prefix: string } {
  const word = /(?:"(?:[^"\\]|\\.)*"|[^\s()"|])*"?[^\s()"|]*$/.exec(text.slice(0, caret))?.[0] ?? '';
  const sign = /^[-!]/.exec(word)?.[0].length ?? 0;
  const bare = word.slice(sign);
  const colon = bare.search(/:(?=[^:]*$)/);
  if (colon < 0) return { start: caret - bare.length, name: null, prefix: bare };
  return { start: caret - bare.length + colon + 1, name: bare.slice(0, colon), prefix: bare.slice(colon + 1) };
}
