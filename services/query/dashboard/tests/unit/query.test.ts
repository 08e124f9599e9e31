import { describe, expect, it } from 'vitest';
import { chips, filterOf, metaName, mistake, split, term, typing, withPart, withValue, wordsOf } from '../../src/lib/query';

describe('the text of a query', () => {
  it('falls apart at blanks, but not within quotes, parentheses and regexes', () => {
    expect(split('a "b | c" -d:(1 OR 2) /x y/ url:"/api/x" | top 5 host')).toEqual({ parts: ['a', '"b | c"', '-d:(1 OR 2)', '/x y/', 'url:"/api/x"'], pipe: '| top 5 host' });
  });
  it('quotes what would mean something else', () => {
    expect([term('user', 'Jane'), term('user', 'Jane Doe'), term('path', '/api/x'), term('n', '-5'), term('x', 'say "hi"\\'), term('x', 'or'), term('x', '')]).toEqual(['user:Jane', 'user:"Jane Doe"', 'path:"/api/x"', 'n:-5', 'x:"say \\"hi\\"\\\\"', 'x:"or"', 'x:""']);
    expect([metaName(['http', 'status']), metaName(['level']), metaName(['odd name', 'x'])]).toEqual(['http.status', '"level"', '"odd name".x']);
  });
  it('takes values in, leaves them out, and replaces what was said of the field', () => {
    expect(withValue('a -host:x | top 5 y', 'host', 'x', 'include')).toBe('a host:x | top 5 y');
    expect(withValue('host:x', 'host', 'x', 'exclude')).toBe('-host:x');
    expect(withValue('a host:x -host:y hosts:1', 'host', 'z', 'only')).toBe('a hosts:1 host:z');
    expect(withValue('a OR b', 'host', 'z', 'include')).toBe('(a OR b) host:z');
    expect(withPart('a b', 'b')).toBe('a b');
  });
  it('has chips where parts stand for themselves', () => {
    expect(chips('a b:1 | top 5 c')).toEqual([{ part: 'a', without: 'b:1 | top 5 c' }, { part: 'b:1', without: 'a | top 5 c' }]);
    expect(chips('a OR b')).toEqual([]);
  });
  it('knows the words that lines show, and the filter before the pipe', () => {
    expect(wordsOf('timeout "connection reset" -retry NOT x level:error OR pay* | top 5 y')).toBe('timeout "connection reset" pay*');
    expect(filterOf('a b | stats count()')).toBe('a b');
  });
  it('reads the place of a mistake', () => {
    expect(mistake('q is no query: column 7: "eror" is no level; write level:error or level:>=error; levels are trace.')).toEqual({ column: 7, message: '"eror" is no level', fix: 'write level:error or level:>=error; levels are trace.' });
    expect(mistake('something else')).toBeNull();
  });
  it('knows what is being typed', () => {
    expect(typing('a lev', 5)).toEqual({ start: 2, name: null, prefix: 'lev' });
    expect(typing('a -http.status:4', 16)).toEqual({ start: 15, name: 'http.status', prefix: '4' });
    expect(typing('', 0)).toEqual({ start: 0, name: null, prefix: '' });
  });
});
