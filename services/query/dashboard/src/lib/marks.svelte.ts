import { api, ask, asFailure } from './api';
import { deployedAt, ofDeployment, ofIncident, type Mark } from './marks';
import { names } from './names.svelte';

/** Which marks: those of a time, of one service and environment or of all. */
export interface Around {
  from: number;
  to: number;
  service_id?: string | undefined;
  environment_id?: string | undefined;
  /** By its name, of whichever service. */
  environment?: string | undefined;
}

interface Part<T> {
  data: T[];
  next_cursor?: string | null | undefined;
}

const PAGE = 200;
const PAGES = 5;
/** A deployment is known from its first report on, and takes effect when it is done. */
const LONGEST_MS = 3_600_000;

/** Newest first, until one is older than asked for; at most a thousand. */
async function newest<T>(part: (cursor: string | undefined) => Promise<Part<T>>, known: (entry: T) => number, from: number): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const { data, next_cursor } = await part(cursor);
    found.push(...data);
    const last = data.at(-1);
    if (!next_cursor || !last || known(last) < from) break;
    cursor = next_cursor;
  }
  return found;
}

/** Deployments and incidents of a time. What one of the two says is shown although the other is away. */
export class Marks {
  list = $state.raw<Mark[]>([]);
  /** Why some are not there. */
  missing = $state.raw<string[]>([]);
  #turn: AbortController | undefined;

  load = async (around: Around) => {
    this.#turn?.abort();
    const turn = new AbortController();
    this.#turn = turn;
    const { signal } = turn;
    const missing: string[] = [];
    const attempt = (what: string, work: Promise<Mark[]>) =>
      work.catch((error: unknown) => {
        missing.push(`${what} are not marked: ${asFailure(error).message}`);
        return [];
      });
    const found = await Promise.all([attempt('Deployments', deployments(around, signal)), attempt('Incidents', incidents(around, signal))]);
    if (turn !== this.#turn) return;
    this.list = found.flat().filter((mark) => mark.at >= around.from && mark.at <= around.to);
    this.missing = missing;
  };

  stop() {
    this.#turn?.abort();
    this.#turn = undefined;
  }
}

async function deployments({ from, service_id, environment_id, environment }: Around, signal: AbortSignal): Promise<Mark[]> {
  const scope = { ...(service_id ? { service_id } : {}), ...(environment_id ? { environment_id } : {}) };
  const found = await newest(
    (cursor) => ask(api.GET('/api/deployments', { params: { query: { ...scope, limit: PAGE, ...(cursor ? { cursor } : {}) } }, signal })),
    (entry) => Date.parse(entry.created_at),
    from - LONGEST_MS,
  );
  const within = found.filter((entry) => deployedAt(entry) >= from);
  if (environment) await names.needEnvironments(within.map((entry) => entry.service_id));
  return within.filter((entry) => names.mayBe(entry.environment_id, environment)).map((entry) => ofDeployment(entry, names.service(entry.service_id)));
}

async function incidents({ from, service_id, environment_id, environment }: Around, signal: AbortSignal): Promise<Mark[]> {
  const found = await newest(
    (cursor) => ask(api.GET('/api/incidents', { params: { query: { limit: PAGE, ...(cursor ? { cursor } : {}) } }, signal })),
    (entry) => Date.parse(entry.opened_at),
    from,
  );
  // One that is of no service in particular concerns all of them.
  const concerns = (own: string | null | undefined, asked: string | undefined) => !asked || !own || own === asked;
  const within = found.filter((entry) => concerns(entry.service_id, service_id) && concerns(entry.environment_id, environment_id));
  if (environment) await names.needEnvironments(within.map((entry) => entry.service_id));
  return within.filter((entry) => names.mayBe(entry.environment_id, environment)).map((entry) => ofIncident(entry, entry.service_id ? names.service(entry.service_id) : ''));
}
