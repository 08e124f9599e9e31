import { describe, expect, it } from 'vitest';
import { hits, pieces, plain, visible } from '../../src/lib/text';

const shown = (message: string, query = '') => pieces(message, 1000, hits(query)).map(({ text, style, hit }) => [text, style, hit]);

describe('the text of a line', () => {
  it('has colours where a terminal would', () => {
    expect(shown('a\u001b[31mb\u001b[1mc\u001b[0md')).toEqual([['a', '', false], ['b', 'ansi-red', false], ['c', 'ansi-red ansi-bold', false], ['d', '', false]]);
  });
  it('takes one colour after the other, and skips those of palettes', () => {
    expect(shown('\u001b[31m\u001b[92mb')).toEqual([['b', 'ansi-green', false]]);
    expect(shown('\u001b[38;5;31;1mb')).toEqual([['b', 'ansi-bold', false]]);
    expect(shown('\u001b[38;2;31;32;33mb')).toEqual([['b', '', false]]);
  });
  it('drops what moves a cursor, sets a title or links', () => {
    expect(plain('a\u001b[2Jb\u001b]8;;javascript:alert(1)\u0007c\u001b]0;title\u001b\\d')).toBe('abcd');
  });
  it('names characters that reorder, hide or control', () => {
    expect(visible('a\u202eb\u0000c\u200bd\r\ne')).toBe('a⟨U+202E⟩b⟨U+0000⟩c⟨U+200B⟩d\ne');
  });
  it('marks whole words, in any case, and none when nothing is asked', () => {
    expect(shown('Timeout timeouts', 'timeout')).toEqual([['Timeout', '', true], [' timeouts', '', false]]);
    expect(hits('()[]*+')).toBeNull();
    expect(shown('a.c abc', 'a.c')).toEqual([['a', '', true], ['.', '', false], ['c', '', true], [' abc', '', false]]);
  });
});
