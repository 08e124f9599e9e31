import { expect, test } from 'vitest';
import { configOf } from '../../src/lib/channels';

test('a configuration holds what was filled in of its kind', () => {
  expect(configOf('ntfy', { topic: ' alerts-7f3 ', server_url: '', webhook_url: 'of another kind' })).toEqual({ topic: 'alerts-7f3' });
});

test('e-mail addresses are a list, however they are separated', () => {
  expect(configOf('email', { to: 'ada@example.com, bob@example.com;\nck@example.com ' })).toEqual({ to: ['ada@example.com', 'bob@example.com', 'ck@example.com'] });
});
