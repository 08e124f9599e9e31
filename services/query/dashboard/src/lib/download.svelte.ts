/** A file from the API, with how far it is, that can be stopped. */
import { asFailure, Failure, failureFrom } from './api';

/** What is handed over to the browser at a time: it keeps such parts on disk. */
const PART_BYTES = 8 << 20;
const NEWLINE = 10;

export class Download {
  state = $state<'none' | 'running' | 'done' | 'stopped'>('none');
  lines = $state(0);
  bytes = $state(0);
  problem = $state.raw<Failure | undefined>();
  #control: AbortController | undefined;

  start = async (path: string, name: string) => {
    this.#control?.abort();
    const control = new AbortController();
    this.#control = control;
    Object.assign(this, { state: 'running', lines: 0, bytes: 0, problem: undefined });
    try {
      const parts = await this.#read(path, control.signal);
      if (this.#control !== control) return;
      save(new Blob(parts), name);
      this.state = 'done';
    } catch (error) {
      if (this.#control !== control) return;
      this.state = 'stopped';
      if (!control.signal.aborted) this.problem = error instanceof Failure ? error : brokenOff(error);
    }
  };

  cancel = () => this.#control?.abort();

  async #read(path: string, signal: AbortSignal): Promise<Blob[]> {
    const response = await fetch(path, { signal }).catch((error: unknown) => {
      if (signal.aborted) throw error;
      throw new Failure('Sightline does not answer. Check your connection, then try again.', 0, 'NETWORK');
    });
    if (!response.ok || !response.body) throw await failureFrom(response);
    const parts: Blob[] = [];
    let chunks: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (value) {
        chunks.push(value);
        size += value.length;
        this.bytes += value.length;
        this.lines += value.reduce((sum, byte) => sum + (byte === NEWLINE ? 1 : 0), 0);
      }
      if (done || size >= PART_BYTES) {
        parts.push(new Blob(chunks));
        [chunks, size] = [[], 0];
      }
      if (done) return parts;
    }
  }
}

/** The API ends an answer that is not whole without its last part. */
function brokenOff(error: unknown): Failure {
  return new Failure(`The export broke off, so nothing was saved. Try again, or choose a shorter time. (${asFailure(error).message})`, 0, 'BROKEN_OFF');
}

function save(file: Blob, name: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
