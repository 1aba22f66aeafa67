/** Lets works of the same key run one after the other, and works of other keys meanwhile. Within one process. */
export class KeyedLine {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all earlier works of `key` have ended, however they ended. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
