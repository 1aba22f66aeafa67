import { SkillError } from "../../base/errors.ts";
import { Deadline, within } from "../limits/deadline.ts";
import type { SkillProgram } from "../types.ts";
import type { Member } from "./idle-daemons.ts";

interface Shared {
  readonly start: Promise<Member>;
  readonly unwanted: AbortController;
  /** Once it has started. */
  member?: Member;
  users: number;
}

/** Daemons that serve several calls at a time, while they serve any: one for a key, started once for all that wait. */
export class SharedDaemons {
  readonly #byKey = new Map<string, Shared>();

  /** The daemon of a key that serves just now, for one more call. */
  join(key: string): Member | undefined {
    const shared = this.#living(key);
    if (shared?.member !== undefined) shared.users++;
    return shared?.member;
  }

  /** Whether `join` has one. */
  has(key: string): boolean {
    return this.#living(key)?.member !== undefined;
  }

  /**
   * The daemon of a program, for one more call. A caller who cancels while it starts leaves the start to the others.
   *
   * @param start makes it when there is none; its signal is raised when nobody waits for it any more
   * @throws {SkillError} `cancelled`; why it could not be started
   */
  async take(
    program: SkillProgram,
    signal: AbortSignal | undefined,
    start: (unwanted: AbortSignal) => Promise<Member>,
  ): Promise<Member> {
    const { key, id } = program;
    const shared = this.#living(key) ?? this.#begin(key, start);
    shared.users++;
    try {
      // The start has a deadline of its own.
      return await within(new Deadline(Infinity, signal), `"${id}"`, shared.start);
    } catch (error) {
      if (--shared.users === 0) this.#abandon(program, shared);
      throw error;
    }
  }

  /** One call less. True when it was the last one: the daemon is the caller's from now on. */
  leave(member: Member): boolean {
    const { key } = member.program, shared = this.#byKey.get(key);
    if (shared?.member !== member) return true; // another one has taken its place
    if (--shared.users > 0) return false;
    this.#byKey.delete(key);
    return true;
  }

  #living(key: string): Shared | undefined {
    const shared = this.#byKey.get(key);
    const { status = "running" } = shared?.member?.process ?? {};
    return status === "running" ? shared : undefined;
  }

  #begin(key: string, start: (unwanted: AbortSignal) => Promise<Member>): Shared {
    const unwanted = new AbortController();
    const shared: Shared = { start: start(unwanted.signal), unwanted, users: 0 };
    shared.start.then((member) => void (shared.member = member), () => this.#forget(key, shared));
    this.#byKey.set(key, shared);
    return shared;
  }

  #abandon({ key, id }: SkillProgram, shared: Shared): void {
    this.#forget(key, shared);
    const cause = new SkillError("cancelled", `nobody waits for the start of "${id}" any more`);
    shared.unwanted.abort(cause);
    shared.start.then(({ process }) => process.kill(cause), () => {});
  }

  #forget(key: string, shared: Shared): void {
    if (this.#byKey.get(key) === shared) this.#byKey.delete(key);
  }
}
