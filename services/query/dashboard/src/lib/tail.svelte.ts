import { api, ask, asFailure, type Failure, type Line } from './api';

/** Lines that are held at most, shown or waiting. */
export const MOST = 5000;
const FLUSH_MS = 200;
const AGAIN_MS = 5000;

export interface Gap {
  from: string;
  to: string;
}

type Filter = Record<string, string>;

/** Follows new lines. The browser comes back by itself when the stream ends, and goes on behind the last line it had. */
export class Tail {
  state = $state<'off' | 'connecting' | 'on' | 'broken'>('off');
  paused = $state(false);
  /** Lines a second, over the last few. */
  rate = $state(0);
  missed = $state(0);
  waiting = $state(0);
  stalled = $state(false);
  gap = $state.raw<Gap | undefined>();
  problem = $state.raw<Failure | undefined>();
  #source: EventSource | undefined;
  #buffer: Line[] = [];
  #arrived: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #seen = '';
  #count = 0;

  /** `onlines` is given what arrived, newest first, a few times a second. */
  constructor(private readonly onlines: (lines: Line[]) => void) {}

  start(filter: Filter) {
    this.stop();
    this.#seen = '';
    Object.assign(this, { paused: false, missed: 0, waiting: 0, rate: 0, gap: undefined });
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS);
    this.#open(filter);
  }

  stop() {
    this.#source?.close();
    this.#source = undefined;
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    this.#buffer = [];
    this.#arrived = [];
    this.#count = 0;
    this.state = 'off';
    this.stalled = false;
    this.problem = undefined;
  }

  #open(filter: Filter) {
    const source = new EventSource(`/api/logs/tail?${new URLSearchParams({ ...filter, ...(this.#seen ? { last_event_id: this.#seen } : {}) })}`);
    this.#source = source;
    this.state = 'connecting';
    const on = (name: string, act: (event: MessageEvent<string>) => void) =>
      source.addEventListener(name, (event) => {
        if (source === this.#source) act(event as MessageEvent<string>);
      });
    source.onopen = () => {
      if (source !== this.#source) return;
      this.state = 'on';
      this.problem = undefined;
    };
    source.onerror = () => {
      if (source !== this.#source) return;
      if (source.readyState === EventSource.CLOSED) void this.#refused(filter, source);
      else this.state = 'connecting';
    };
    on('line', (event) => {
      this.#seen = event.lastEventId;
      this.stalled = false;
      this.#count += 1;
      this.#buffer.push(JSON.parse(event.data) as Line);
      if (this.#buffer.length > MOST) {
        this.#buffer.shift();
        this.missed += 1;
      }
    });
    on('missed', (event) => (this.missed += (JSON.parse(event.data) as { lines: number }).lines));
    on('gap', (event) => (this.gap = JSON.parse(event.data) as Gap));
    on('stalled', () => (this.stalled = true));
  }

  /** A browser does not tell why a stream was refused; a search with the same filter does. */
  async #refused(filter: Filter, source: EventSource) {
    this.state = 'broken';
    try {
      await ask(api.GET('/api/logs/query', { params: { query: { ...filter, limit: 1 } } }));
    } catch (error) {
      if (source === this.#source) this.problem = asFailure(error);
    }
    if (source === this.#source && this.problem?.status !== 400) this.#again = setTimeout(() => this.#open(filter), AGAIN_MS);
  }

  #flush() {
    this.#arrived.push(this.#count);
    this.#count = 0;
    if (this.#arrived.length > 15) this.#arrived.shift();
    this.rate = (this.#arrived.reduce((sum, lines) => sum + lines, 0) * 1000) / (this.#arrived.length * FLUSH_MS);
    this.waiting = this.paused ? this.#buffer.length : 0;
    if (this.paused || !this.#buffer.length) return;
    const lines = this.#buffer.reverse();
    this.#buffer = [];
    this.onlines(lines);
  }
}
