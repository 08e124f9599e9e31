/** The typed way to the API, and what its failures look like. */
import createClient from 'openapi-fetch';
import type { paths as Alerting, components as AlertingParts } from './api/alerting';
import type { paths as Identity, components as IdentityParts } from './api/identity';
import type { paths as Query, components as QueryParts } from './api/query';
import type { paths as Webhook, components as WebhookParts } from './api/webhook';

type Owned = AlertingParts['schemas'] & IdentityParts['schemas'] & WebhookParts['schemas'];
/** By name. What the overview calls as an owner does, such as a deployment, is the owner's here. */
export type Schemas = Owned & Omit<QueryParts['schemas'], keyof Owned>;
export type Line = QueryParts['schemas']['LineView'];

export const api = createClient<Identity & Query & Alerting & Webhook>({ baseUrl: location.origin });

export interface FieldProblem {
  path: string;
  message: string;
}

/** A request that failed, in words for a person. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly details: FieldProblem[] = [],
    readonly correlationId: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** What is wrong with a field, if that is what failed. */
  of(field: string): string | undefined {
    return this.details.find((detail) => detail.path === field)?.message;
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

let whenSignedOut = () => {};
/** Called when the session turns out to have ended. */
export function onSignedOut(action: () => void) {
  whenSignedOut = action;
}

/** The answer, or a thrown Failure. */
export async function ask<T>(call: Promise<Answer<T>>, how: { stay?: boolean } = {}): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Failure('Sightline does not answer. Check your connection, then try again.', 0, 'NETWORK');
  }
  if (answer.response.ok) return answer.data as T;
  const failure = failureOf(answer);
  if (failure.status === 401 && !how.stay) whenSignedOut();
  throw failure;
}

/** The failure that an answer outside of the typed client is. */
export async function failureFrom(response: Response): Promise<Failure> {
  return failureOf({ error: await response.json().catch(() => undefined), response });
}

function failureOf({ error, response }: Answer<unknown>): Failure {
  const body = error as { error?: { code?: string; message?: string; details?: FieldProblem[] }; correlation_id?: string } | undefined;
  const retry = Number(response.headers.get('retry-after'));
  return new Failure(
    sentence(body?.error?.message ?? `the server answered ${response.status}`),
    response.status,
    body?.error?.code ?? 'UNKNOWN',
    body?.error?.details ?? [],
    body?.correlation_id ?? response.headers.get('x-request-id'),
    Number.isFinite(retry) && retry > 0 ? retry : null,
  );
}

export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(error instanceof Error ? error.message : String(error), 0, 'PAGE');
}

/** With a capital and a full stop: the API's messages have neither. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
