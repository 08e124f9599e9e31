/** Text of log lines, taken apart for showing. It is hostile: what comes out of here goes into text nodes only. */

import { wordsOf } from './query';

export interface Piece {
  text: string;
  /** Names of classes, from a fixed set. */
  style: string;
  hit: boolean;
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const FLAGS: Record<number, string> = { 1: 'ansi-bold', 2: 'ansi-dim', 3: 'ansi-italic', 4: 'ansi-underline' };
// Sequences of terminals: CSI, OSC (titles, links), and the two-letter ones.
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b\[([0-9;:]*)([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -~]/g;
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Characters that reorder or hide others are named instead. */
export function visible(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(INVISIBLE, (character) => `⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** Without the sequences of terminals, for one line of a list that shows no colours and for copying. */
export const plain = (text: string): string => text.replace(ESCAPES, '');

function styleAfter(codes: string, before: Set<string>): Set<string> {
  const style = new Set(before);
  const numbers = codes.split(/[;:]/).map(Number);
  for (let i = 0; i < numbers.length; i += 1) {
    const code = numbers[i] ?? 0;
    const colour = code >= 30 && code <= 37 ? COLOURS[code - 30] : code >= 90 && code <= 97 ? COLOURS[code - 90] : undefined;
    if (code === 0) style.clear();
    else if (code === 38 || code === 48) i += numbers[i + 1] === 5 ? 2 : 4;
    else if (code === 22) ['ansi-bold', 'ansi-dim'].forEach((name) => style.delete(name));
    else if (code === 23) style.delete('ansi-italic');
    else if (code === 24) style.delete('ansi-underline');
    else if (colour || code === 39) {
      COLOURS.forEach((name) => style.delete(`ansi-${name}`));
      if (colour) style.add(`ansi-${colour}`);
    } else if (FLAGS[code]) style.add(FLAGS[code]);
  }
  return style;
}

/** The words that a search looks for, as one expression; null when there are none. */
export function hits(query: string): RegExp | null {
  const words = wordsOf(query).match(/[\p{L}\p{N}_]+/gu)?.slice(0, 16) ?? [];
  return words.length ? new RegExp(`(?<![\\p{L}\\p{N}_])(${words.join('|')})(?![\\p{L}\\p{N}_])`, 'giu') : null;
}

function marked(text: string, style: string, hit: RegExp | null): Piece[] {
  if (!hit) return [{ text, style, hit: false }];
  return text
    .split(hit)
    .map((part, index) => ({ text: part, style, hit: index % 2 === 1 }))
    .filter((piece) => piece.text);
}

/** The first characters of a line, with colours and hits. */
export function pieces(message: string, limit: number, hit: RegExp | null): Piece[] {
  const text = message.slice(0, limit);
  const found: Piece[] = [];
  let style = new Set<string>();
  let end = 0;
  const add = (until: number) => {
    if (until > end) found.push(...marked(visible(text.slice(end, until)), [...style].join(' '), hit));
  };
  for (const match of text.matchAll(ESCAPES)) {
    add(match.index);
    end = match.index + match[0].length;
    if (match[2] === 'm') style = styleAfter(match[1] ?? '', style);
  }
  add(text.length);
  return found;
}
