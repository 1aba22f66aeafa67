import type { SkillError } from "../../base/errors.ts";

interface Start {
  readonly key: string;
  readonly stop: AbortController;
  readonly over: Promise<unknown>;
}

/** Work under way for a key that a stop must not miss though no process of it may exist yet: starts, clean-ups. */
export class Starts {
  readonly #starts = new Set<Start>();

  get size(): number {
    return this.#starts.size;
  }

  /** Runs `action`. `stopped` is raised, with a `SkillError` as its reason, when its key is stopped. */
  async run<Value>(key: string, action: (stopped: AbortSignal) => Promise<Value>): Promise<Value> {
    const stop = new AbortController();
    const work = action(stop.signal);
    const start = { key, stop, over: work.catch(() => {}) };
    this.#starts.add(start);
    try {
      return await work;
    } finally {
      this.#starts.delete(start);
    }
  }

  /** Stops those of a key, or all, and waits until they are over. */
  async stop(cause: SkillError, key?: string): Promise<void> {
    const chosen = [...this.#starts].filter((start) => key === undefined || start.key === key);
    for (const { stop } of chosen) stop.abort(cause);
    await Promise.all(chosen.map(({ over }) => over));
  }
}
