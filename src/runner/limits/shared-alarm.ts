import { clearTimeout, setTimeout } from "node:timers";

interface Waiting {
  readonly at: number;
  readonly onDue: () => void;
}

const LONGEST_MS: number = 2 ** 31 - 1;

/**
 * One timer for many waits. Calls that end well before their time would each make a timer and clear it, which costs a
 * warm call more than its own work; here the timer that is set already serves the next one.
 */
export class SharedAlarm {
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #ringsAt = Infinity;

  /** Calls `onDue` in `ms` milliseconds, unless the answer is called before. Until then it keeps the host alive. */
  set(ms: number, onDue: () => void): () => void {
    const waiting = { at: performance.now() + ms, onDue };
    this.#waiting.add(waiting);
    this.#ringAt(waiting.at);
    if (this.#waiting.size === 1) this.#timer?.ref();
    return () => {
      this.#waiting.delete(waiting);
      if (this.#waiting.size === 0) this.#timer?.unref();
    };
  }

  #ringAt(at: number): void {
    if (at >= this.#ringsAt) return;
    clearTimeout(this.#timer);
    this.#ringsAt = at;
    this.#timer = setTimeout(
      () => this.#ring(),
      Math.min(Math.ceil(Math.max(0, at - performance.now())), LONGEST_MS),
    );
  }

  #ring(): void {
    this.#timer = undefined;
    this.#ringsAt = Infinity;
    const now = performance.now();
    const due = [...this.#waiting].filter(({ at }) => at <= now);
    for (const waiting of due) this.#waiting.delete(waiting);
    for (const { at } of this.#waiting) this.#ringAt(at);
    for (const { onDue } of due) onDue();
  }
}
