import { SkillError, type SkillErrorCode } from "../../base/errors.ts";
import type { ResilientCalls } from "../../runner/resilience/resilient-calls.ts";
import type { SkillProgram } from "../../runner/types.ts";
import { quarantineSkill } from "../changes/status-changes.ts";
import type { Home } from "../home/home.ts";
import { ToolCaller } from "../programs/call-tool.ts";
import { resilientCalls } from "../programs/resilience.ts";
import type { StoredGeneration } from "../records/records.ts";
import { servingOf } from "../records/skill-record.ts";
import type { SkillHealth } from "../types.ts";

/** A generation ready to be called. */
export interface Served {
  readonly generation: StoredGeneration;
  readonly program: SkillProgram;
  readonly caller: ToolCaller;
}

interface Entry {
  readonly generation: StoredGeneration;
  readonly calls: ResilientCalls;
  readonly caller: ToolCaller;
  program: SkillProgram | undefined;
  /** The state of the skill that the program was made for. */
  revision: number;
  /** Calls under way. */
  open: number;
}

/**
 * The generations whose processes this library started. A call runs one whole generation: when another one takes over,
 * calls under way end on the old one, and its processes end after them.
 */
export class Serving {
  readonly #home: Home;
  readonly #entries = new Map<string, Entry>();
  readonly #unlisten: () => void;
  #revision = -1;

  constructor(home: Home) {
    this.#home = home;
    this.#unlisten = home.runner.on("unstable", ({ key, error }) => void this.#quarantine(key, error));
  }

  /**
   * Runs `action` with the serving generation.
   *
   * @throws {SkillError} `tampered`, `permission_refused`, `start_failed`; `conflict` when the generation could not be
   * called because another took its place meanwhile, or none
   */
  async with<T>(generation: StoredGeneration, action: (served: Served) => Promise<T>): Promise<T> {
    const name = nameOf(generation);
    const entry = this.#entries.get(name) ?? this.#entry(generation);
    this.#entries.set(name, entry);
    entry.open++;
    try {
      const program = this.#warm(entry) ?? await this.#program(entry);
      return await action({ generation, program, caller: entry.caller });
    } catch (error) {
      if (!neverBegan(error) || this.#isServing(generation)) throw error;
      throw superseded(generation, error);
    } finally {
      entry.open--;
      // What others committed meanwhile is seen by the next call.
      const { lastRevision } = this.#home.view;
      if (lastRevision !== this.#revision) await this.#retire(lastRevision);
    }
  }

  /** How a generation does, if this library called it and it does not do well. */
  healthOf(generation: StoredGeneration): SkillHealth | undefined {
    const entry = this.#entries.get(nameOf(generation));
    if (entry === undefined) return undefined;
    const { standing } = entry.calls;
    const restarts = entry.program === undefined ? 0 : this.#home.runner.deaths(entry.program.key);
    return standing.circuit === "closed" && restarts === 0 ? undefined : { ...standing, restarts };
  }

  /** Ends processes of generations that serve no longer and have no call under way. Cheap when nothing was committed. */
  async retire(): Promise<void> {
    const { revision } = this.#home.view;
    if (revision !== this.#revision) await this.#retire(revision);
  }

  /** Ends the processes of a skill at once, calls under way too. */
  async stopSkill(id: string): Promise<void> {
    for (const [name, entry] of this.#entries) {
      if (entry.generation.skill_id === id) await this.#stop(name, entry);
    }
  }

  /** Ends all processes that it started. */
  async close(): Promise<void> {
    this.#unlisten();
    for (const [name, entry] of this.#entries) await this.#stop(name, entry);
  }

  #entry(generation: StoredGeneration): Entry {
    const { resolved } = generation;
    const calls = resilientCalls(this.#home.runner, resolved, this.#home.settings);
    const caller = new ToolCaller(calls, resolved);
    return { generation, calls, caller, program: undefined, revision: -1, open: 0 };
  }

  async #retire(revision: number): Promise<void> {
    let waiting = false;
    for (const [name, entry] of this.#entries) {
      if (this.#isServing(entry.generation)) continue;
      if (entry.open > 0) waiting = true;
      else await this.#stop(name, entry);
    }
    // As long as a call is under way on an old generation, its end has to look again.
    if (!waiting) this.#revision = revision;
  }

  async #stop(name: string, { program }: Entry): Promise<void> {
    this.#entries.delete(name);
    if (program !== undefined) await this.#home.runner.stop(program.key);
  }

  #isServing({ skill_id, number }: StoredGeneration): boolean {
    const record = this.#home.view.find(skill_id);
    return record !== undefined && servingOf(record)?.number === number;
  }

  /** The program of a generation that runs already, and for which nothing has changed since. */
  #warm({ generation, program, revision }: Entry): SkillProgram | undefined {
    if (program === undefined || generation.resolved.manifest.credentials.length > 0) return undefined;
    if (this.#home.view.lastRead(generation.skill_id)?.revision !== revision) return undefined;
    return this.#home.runner.isReady(program.key) ? program : undefined;
  }

  /** The program to call. Sources are checked whenever a process may have to be started. */
  async #program(entry: Entry): Promise<SkillProgram> {
    const { skill_id: id, number, build, resolved, digest } = entry.generation;
    const { program } = entry;
    const { revision } = this.#home.view.get(id);
    const dir = this.#home.layout.build(id, build);
    const made = await this.#home.programs.make({
      name: `${id}@${number}`,
      dir,
      resolved,
      needSecrets: true,
    });
    // With other calls under way on it, it ends by itself when it has been idle for long enough.
    if (program !== undefined && program.key !== made.key && entry.open === 1) {
      await this.#home.runner.stop(program.key);
    }
    const digests = await this.#home.integrity.requireSource(id, made.source, digest);
    await this.#home.integrity.requireEnvironment(id, dir, resolved.environment);
    entry.revision = revision;
    return entry.program = { ...made, digests };
  }

  async #quarantine(key: string, error: SkillError): Promise<void> {
    const entry = [...this.#entries.values()].find(({ program }) => program?.key === key);
    if (entry === undefined || !this.#isServing(entry.generation)) return;
    const { skill_id: id } = entry.generation;
    try {
      await quarantineSkill(this.#home, id, `it kept dying: ${error.message}`, { via: "runner" });
    } catch (failure) {
      const reason = SkillError.from(failure, "home_unusable", "not written").message;
      this.#home.log("error", `"${id}" keeps dying and could not be quarantined: ${reason}`);
    }
  }
}

/** Whether nothing of the skill ran: its files are not as installed, or its process did not come up. */
function neverBegan(error: unknown): boolean {
  const codes: readonly string[] = [
    "tampered",
    "start_failed",
    "handshake_failed",
  ] satisfies SkillErrorCode[];
  return SkillError.isInstance(error) && codes.includes(error.code);
}

function superseded({ skill_id: id, version }: StoredGeneration, cause: unknown): SkillError {
  return new SkillError(
    "conflict",
    `version ${version} of "${id}" was replaced or removed before it was called`,
    {
      cause,
      fix: "try again",
      details: { id, version },
    },
  );
}

function nameOf({ skill_id, number }: StoredGeneration): string {
  return `${skill_id}@${number}`;
}
