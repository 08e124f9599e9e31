import { asFailure, type Failure } from './api';

/** Something from the API, with how it is going. The last request wins, whichever answers first. */
export class Loaded<T> {
  value = $state.raw<T | undefined>(undefined);
  problem = $state.raw<Failure | undefined>(undefined);
  busy = $state(false);
  #turn: AbortController | undefined;

  constructor(private readonly fetcher: (signal: AbortSignal) => Promise<T>) {}

  load = async () => {
    this.#turn?.abort();
    const turn = new AbortController();
    this.#turn = turn;
    this.busy = true;
    try {
      const value = await this.fetcher(turn.signal);
      if (turn !== this.#turn) return;
      this.value = value;
      this.problem = undefined;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.problem = asFailure(error);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  };

  stop() {
    this.#turn?.abort();
    this.#turn = undefined;
    this.busy = false;
  }
}

/** One thing that a form or a button does: whether it runs, and how it failed. */
export class Action {
  busy = $state(false);
  problem = $state.raw<Failure | undefined>(undefined);

  /** Returns whether it worked. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = undefined;
    try {
      await work();
      return true;
    } catch (error) {
      this.problem = asFailure(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
