import type { Runner, RunnerLimits, SkillProgram } from "../../src/runner/types.ts";
import type { CanaryPython } from "../../src/sandbox/canary/canary-python.ts";
import type { BackendName, SandboxBackend, SandboxPolicy } from "../../src/sandbox/types.ts";
import type { OpenSkillsOptions, Skills } from "../../src/skills.ts";

/**
 * What an attack comes to: `refused` before anything starts, `denied` inside by an error that the skill sees, `killed`
 * by the host, which says why, or `held`: it may try, and nothing comes of it.
 */
export type Answer = "refused" | "denied" | "killed" | "held";

/** One of the 98 cases. */
export interface Attack {
  /** 1 to 98. */
  readonly case: number;
  readonly name: string;
  readonly expected: Answer;
  /** What is expected in a place that cannot offer what the case starts from. */
  readonly instead?: (place: AttackPlace) => Promise<Answer | undefined>;
  /** The part of `src` that answers for it. */
  readonly owner: string;
  /** `each backend`: on bubblewrap and on Landlock, as root and as an ordinary user. `host`: once for each runtime. */
  readonly where: "each backend" | "host";
  /** Where it applies. Default: everywhere. */
  readonly backends?: readonly BackendName[];
  /** Why it applies nowhere else. */
  readonly why?: string;
  /** Why it cannot be tried in a place, or undefined. */
  readonly obstacle?: (place: AttackPlace) => Promise<string | undefined> | string | undefined;
  /** Continuous integration tries a named tenth of these, `npm run attacks` all. */
  readonly slow?: true;
  readonly run: (place: AttackPlace) => Promise<readonly Attempt[]>;
}

/** A case that a later issue brings. */
export interface Deferred {
  readonly case: number;
  readonly name: string;
  readonly issue: number;
  readonly why: string;
}

/** One way to try a case, and what came of it. */
export interface Attempt {
  readonly name: string;
  /** `escaped`: it reached its aim. `failed`: it did not, but the answer is not the right one either. */
  readonly answer: Answer | "escaped" | "failed";
  /** Whether the same code reached its aim without the guard. */
  readonly control: boolean | "not possible";
  /** What was seen, when it is not what was expected. */
  readonly note?: string;
}

/** Where a case is tried: a backend, a user, a runtime, and a folder that is thrown away with all that was opened. */
export interface AttackPlace {
  readonly backend: BackendName;
  /** The sandbox under test. */
  readonly sandbox: SandboxBackend;
  /** No sandbox, for the controls. */
  readonly unguarded: SandboxBackend;
  readonly runtime: "node" | "deno";
  readonly isRoot: boolean;
  readonly python: CanaryPython;
  /** An absolute path without links. */
  readonly dir: string;
  /** A folder below `dir`, made if need be. */
  folder(name: string): string;
  /** A file below `dir`, its folders made if need be. */
  file(name: string, text: string | Uint8Array, mode?: number): string;
  /** A folder below `dir` that nobody has used. */
  fresh(): string;
  /** A runner; `sandbox` is the one under test by default. Closed with the place. Its scratch folders lie in `dir`. */
  runner(sandbox?: SandboxBackend, limits?: Partial<RunnerLimits>): Runner;
  /** A skill whose functions stand in a Python text, in a folder of its own; one-shot, no grants. */
  program(code: string, overrides?: ProgramOverrides): SkillProgram;
  /** Opens a home in a fresh folder, without embeddings. Closed with the place. */
  skills(options?: OpenSkillsOptions): Promise<Skills>;
  /** Called when the place is thrown away, the last one first. */
  defer(action: () => unknown): void;
}

/** What of a program differs from a skill without grants. */
export type ProgramOverrides = Omit<Partial<SkillProgram>, "policy"> & {
  readonly policy?: Omit<Partial<SandboxPolicy>, "limits"> & {
    readonly limits?: Partial<SandboxPolicy["limits"]>;
  };
};
