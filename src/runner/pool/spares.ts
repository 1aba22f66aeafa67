import { isDeepStrictEqual } from "node:util";
import { SkillError } from "../../base/errors.ts";
import type { Prepared } from "../process/launch.ts";
import type { SkillProgram } from "../types.ts";

/** How spares are made and kept. */
export interface SpareOptions {
  /** Spares of one key. */
  readonly size: number;
  /** Spares of all keys together; the oldest go first. */
  readonly most: number;
  /** Milliseconds after which an unused spare is ended. */
  readonly maxAgeMs: number;
  /** Starts a process that waits for its orders. */
  readonly prepare: (program: SkillProgram) => Promise<Prepared>;
}

interface Spare {
  readonly program: SkillProgram;
  readonly prepared: Prepared;
  readonly timer: NodeJS.Timeout;
}

/**
 * Processes that wait for their orders, each for one call of the program that it was made for. No line of a skill has
 * run in them. What they are confined to is fixed when they start, so they are never shared between programs.
 */
export class Spares {
  readonly #options: SpareOptions;
  /** The oldest first. */
  readonly #spares = new Set<Spare>();
  /** Keys of which spares are being made. */
  readonly #refilling = new Set<string>();
  /** Counts the changes: what was begun before one is not kept after it. */
  #changes = 0;

  constructor(options: SpareOptions) {
    this.#options = options;
  }

  /** A spare of exactly this program, which is the caller's from now on. It may still be loading. */
  take(program: SkillProgram): Prepared | undefined {
    for (const spare of this.#of(program.key)) {
      this.#forget(spare);
      if (isDeepStrictEqual(spare.program, program)) return spare.prepared;
      end(spare);
    }
    return undefined;
  }

  /** How often spares were dropped so far. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Makes what is missing, unless something changed since `changes`. Never throws: a call without a spare is only
   * slower.
   */
  async refill(program: SkillProgram, changes: number): Promise<void> {
    const { key } = program;
    if (this.#refilling.has(key)) return;
    this.#refilling.add(key);
    try {
      const missing = this.#options.size - this.#of(key).length;
      for (let made = 0; made < missing && changes === this.#changes; made++) {
        const prepared = await this.#options.prepare(program);
        if (changes === this.#changes) this.#keep(program, prepared);
        else prepared.process.kill(notNeeded(program));
      }
    } catch {
      // The next call tells what is wrong with starting it.
    } finally {
      this.#refilling.delete(key);
    }
  }

  /** Ends the spares of a key. */
  drop(key: string): void {
    this.#changes++;
    for (const spare of this.#of(key)) {
      this.#forget(spare);
      end(spare);
    }
  }

  #keep(program: SkillProgram, prepared: Prepared): void {
    const timer = setTimeout(() => {
      this.#forget(spare);
      end(spare);
    }, this.#options.maxAgeMs);
    timer.unref();
    const spare: Spare = { program, prepared, timer };
    prepared.process.standBy();
    this.#spares.add(spare);
    void prepared.process.ended.then(() => this.#forget(spare));
    const [oldest] = this.#spares;
    if (this.#spares.size <= this.#options.most || oldest === undefined) return;
    this.#forget(oldest);
    end(oldest);
  }

  #forget(spare: Spare): void {
    clearTimeout(spare.timer);
    this.#spares.delete(spare);
  }

  #of(key: string): readonly Spare[] {
    return [...this.#spares].filter(({ program }) => program.key === key);
  }
}

function end({ program, prepared }: Spare): void {
  prepared.process.kill(notNeeded(program));
}

function notNeeded({ id }: SkillProgram): SkillError {
  return new SkillError("closed", `a spare process of "${id}" was no longer needed`);
}
