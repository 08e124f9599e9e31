/** Errors before and after a moment. */
import { api, ask } from './api';
import { inTurn } from './turns';

export interface Scope {
  service_id: string;
  environment_id: string;
}

export interface Errors {
  before: number;
  after: number;
}

/** As long as it looks to either side. */
export const AROUND_MS = 15 * 60_000;

async function count(scope: Scope, from: number, to: number, signal: AbortSignal): Promise<number> {
  const query = { ...scope, level: 'error,fatal', q: '* | stats count()', from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const table = (await ask(api.GET('/api/logs/stats', { params: { query }, signal }))).data;
  return Number(table.rows[0]?.[0] ?? 0);
}

export async function errorsAround(scope: Scope, at: number, signal: AbortSignal): Promise<Errors> {
  const before = await inTurn(() => count(scope, at - AROUND_MS, at, signal), signal);
  return { before, after: await inTurn(() => count(scope, at, at + AROUND_MS, signal), signal) };
}
