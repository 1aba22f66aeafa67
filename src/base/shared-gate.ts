/**
 * Lets works of a key run side by side, and others of that key alone: those wait for what runs, and what comes later waits
 * for them. Within one process.
 */
export class SharedGate {
  readonly #running = new Map<string, Set<Promise<unknown>>>();
  readonly #closed = new Map<string, Promise<void>>();

  /** Runs `work` beside others, once nobody who is alone runs or waits to. */
  async shared<T>(key: string, work: () => Promise<T>): Promise<T> {
    for (let closed = this.#closed.get(key); closed !== undefined; closed = this.#closed.get(key)) {
      await closed;
    }
    const mine = work();
    const all = this.#running.get(key) ?? new Set();
    this.#running.set(key, all.add(mine));
    try {
      return await mine;
    } finally {
      all.delete(mine);
      if (all.size === 0 && this.#running.get(key) === all) this.#running.delete(key);
    }
  }

  /** Runs `work` when no other of its key runs, and none begins before it has ended. */
  async alone<T>(key: string, work: () => Promise<T>): Promise<T> {
    for (let closed = this.#closed.get(key); closed !== undefined; closed = this.#closed.get(key)) {
      await closed;
    }
    let open = (): void => {};
    this.#closed.set(key, new Promise((resolve) => (open = resolve)));
    try {
      for (const one of this.#running.get(key) ?? []) await one.catch(() => {});
      return await work();
    } finally {
      this.#closed.delete(key);
      open();
    }
  }
}
