/** An organisation may run few searches at a time, and people search meanwhile: numbers beside lists wait for one another. */
let last: Promise<unknown> = Promise.resolve();

export function inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const own = last.then(() => {
    signal.throwIfAborted();
    return work();
  });
  last = own.catch(() => undefined);
  return own;
}
