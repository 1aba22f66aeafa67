import { SkillError } from "../base/errors.ts";
import type { Deadline } from "./deadline.ts";

interface Waiting {
  readonly enter: () => void;
  readonly reject: (error: SkillError) => void;
}

/** At most so many at a time; the others wait in line, at most so many of them. First come, first served. */
export class Slots {
  readonly #size: number;
  readonly #maxWaiting: number;
  readonly #line = new Set<Waiting>();
  #taken = 0;
  #closed: SkillError | undefined;

  constructor(size: number, maxWaiting: number) {
    this.#size = size;
    this.#maxWaiting = maxWaiting;
  }

  /** Takes a slot if one is free, without waiting. */
  tryAcquire(): boolean {
    if (this.#closed !== undefined || this.#taken >= this.#size) return false;
    this.#taken++;
    return true;
  }

  /**
   * Takes a slot, waiting for one as long as the deadline allows.
   *
   * @throws {SkillError} `queue_full`, `timeout`, `cancelled`, or why the slots were closed
   */
  acquire(what: string, deadline: Deadline): Promise<void> {
    if (this.tryAcquire()) return Promise.resolve();
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#line.size >= this.#maxWaiting) {
      return Promise.reject(
        new SkillError("queue_full", `${what} was not started: ${this.#line.size} calls are waiting`, {
          fix: "call again later",
        }),
      );
    }
    return this.#wait(what, deadline);
  }

  /** Gives a slot back; it goes to the first in line. */
  release(): void {
    const [first] = this.#line;
    if (first === undefined) this.#taken--;
    else first.enter();
  }

  /** Sends everybody away. */
  close(reason: SkillError): void {
    this.#closed ??= reason;
    for (const waiting of this.#line) waiting.reject(this.#closed);
  }

  #wait(what: string, deadline: Deadline): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        stopWatching();
        this.#line.delete(waiting);
      };
      const waiting: Waiting = {
        enter: () => (leave(), resolve()),
        reject: (error) => (leave(), reject(error)),
      };
      const stopWatching = deadline.watch(`${what}, which was waiting in the queue,`, waiting.reject);
      this.#line.add(waiting);
    });
  }
}
