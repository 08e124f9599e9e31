import { Loaded } from './loaded.svelte';

interface Part<T> {
  data: T[];
  next_cursor?: string | null | undefined;
}

/** A list that the API gives in parts. */
export class Paged<T> extends Loaded<Part<T>> {
  constructor(private readonly part: (cursor: string | undefined, signal: AbortSignal | undefined) => Promise<Part<T>>) {
    super((signal) => part(undefined, signal));
  }

  /** Adds the next part; throws what the API says. */
  more = async () => {
    const before = this.value;
    if (!before?.next_cursor) return;
    const next = await this.part(before.next_cursor, undefined);
    // A reload in between has begun a new list.
    if (this.value === before) this.value = { data: [...before.data, ...next.data], next_cursor: next.next_cursor };
  };
}
