/**
 * Returns a function that runs tasks, at most `maxRunning` at a time. A task whose signal is aborted
 * while it waits never starts: its promise rejects with the signal's reason.
 */
export function limitConcurrency(maxRunning: number) {
  let running = 0;
  const waiting = new Set<() => void>();

  async function acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (running < maxRunning) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        waiting.delete(start);
        reject(signal.reason);
      };
      waiting.add(start);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  function release(): void {
    const [start] = waiting;
    if (!start) {
      running -= 1;
      return;
    }
    // The place passes on to the next task.
    waiting.delete(start);
    start();
  }

  return async <Result>(task: () => Promise<Result>, signal: AbortSignal): Promise<Result> => {
    await acquire(signal);
    try {
      return await task();
    } finally {
      release();
    }
  };
}
