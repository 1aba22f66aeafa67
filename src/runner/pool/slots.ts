import { SkillError } from "../../base/errors.ts";
import type { Deadline } from "../limits/deadline.ts";

interface Waiting {
  readonly skill: string;
  readonly key: string | undefined;
  readonly enter: () => void;
  readonly reject: (error: SkillError) => void;
}

/**
 * At most so many at a time, and so many of one skill; the others wait in line, at most so many of them. First come,
 * first served, but a skill that has all its own slots holds up no other.
 */
export class Slots {
  readonly #size: number;
  readonly #sizePerSkill: number;
  readonly #maxWaiting: number;
  readonly #line = new Set<Waiting>();
  readonly #takenBy = new Map<string, number>();
  #taken = 0;
  #closed: SkillError | undefined;

  constructor(size: number, sizePerSkill: number, maxWaiting: number) {
    this.#size = size;
    this.#sizePerSkill = sizePerSkill;
    this.#maxWaiting = maxWaiting;
  }

  /** Takes a slot if one is free for this skill, without waiting. */
  tryAcquire(skill: string): boolean {
    if (this.#closed !== undefined || this.#taken >= this.#size) return false;
    const own = this.#takenBy.get(skill) ?? 0;
    if (own >= this.#sizePerSkill) return false;
    this.#taken++;
    this.#takenBy.set(skill, own + 1);
    return true;
  }

  /**
   * Takes a slot, waiting for one as long as the deadline allows, and until `dismiss` with that key.
   *
   * @throws {SkillError} `queue_full`, `timeout`, `cancelled`, or why the slots were closed
   */
  acquire(skill: string, deadline: Deadline, key?: string): Promise<void> {
    if (this.tryAcquire(skill)) return Promise.resolve();
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#line.size >= this.#maxWaiting) {
      return Promise.reject(
        new SkillError("queue_full", `"${skill}" was not started: ${this.#line.size} calls are waiting`, {
          fix: "call again later",
        }),
      );
    }
    return this.#wait(skill, deadline, key);
  }

  /** Gives a slot of a skill back; it goes to the first in line that may have it. */
  release(skill: string): void {
    const left = (this.#takenBy.get(skill) ?? 1) - 1;
    if (left > 0) this.#takenBy.set(skill, left);
    else this.#takenBy.delete(skill);
    this.#taken--;
    for (const waiting of this.#line) {
      if (this.tryAcquire(waiting.skill)) return waiting.enter();
    }
  }

  /** Sends those away who wait with a key. */
  dismiss(key: string, reason: SkillError): void {
    for (const waiting of this.#line) if (waiting.key === key) waiting.reject(reason);
  }

  /** Sends everybody away. */
  close(reason: SkillError): void {
    this.#closed ??= reason;
    for (const waiting of this.#line) waiting.reject(this.#closed);
  }

  #wait(skill: string, deadline: Deadline, key: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        stopWatching();
        this.#line.delete(waiting);
      };
      const waiting: Waiting = {
        skill,
        key,
        enter: () => (leave(), resolve()),
        reject: (error) => (leave(), reject(error)),
      };
      const stopWatching = deadline.watch(`"${skill}", which was waiting in the queue,`, waiting.reject);
      this.#line.add(waiting);
    });
  }
}
