import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { SkillError } from "../../src/base/errors.ts";
import type { Json } from "../../src/base/json.ts";
import type { CallRequest, CallResult, SkillProgram } from "../../src/runner/types.ts";
import { SYSCALLS } from "../../src/sandbox/seccomp/syscalls.ts";
import type { SandboxBackend } from "../../src/sandbox/types.ts";
import type { Answer, AttackPlace, Attempt, ProgramOverrides } from "./attack.ts";

/** The text of Python files in `fixtures/`, one behind the other. */
export function fixture(...names: readonly string[]): string {
  return names.map((name) =>
    readFileSync(fileURLToPath(new URL(`fixtures/${name}.py`, import.meta.url)), "utf8")
  ).join("");
}

/** What came of a call. */
export type Outcome =
  | { readonly result: CallResult; readonly error?: undefined }
  | { readonly result?: undefined; readonly error: SkillError };

/** A call that may fail. What is no `SkillError` is thrown on. */
export async function outcome(call: Promise<CallResult>): Promise<Outcome> {
  try {
    return { result: await call };
  } catch (error) {
    if (SkillError.isInstance(error)) return { error };
    throw error;
  }
}

/** Calls one function of a Python text, in a process of its own. */
export async function callOnce(
  place: AttackPlace,
  sandbox: SandboxBackend,
  program: SkillProgram,
  tool: string,
  input: Json,
  request: Partial<CallRequest> = {},
): Promise<Outcome> {
  const runner = place.runner(sandbox);
  try {
    return await outcome(runner.call(program, { tool, input, ...request }));
  } finally {
    await runner.close();
  }
}

/** What attacks aim at: made anew for the guarded run and for the control. */
export interface Scene {
  /** Given to each attempt. */
  readonly order: { readonly [name: string]: Json };
  readonly overrides?: ProgramOverrides;
  /** Whether the host sees that an attempt reached its aim. `got` is what the attacker says it got. */
  readonly reached: (name: string, got: Json) => boolean | Promise<boolean>;
  /** Completes the order, once the program's files are there. */
  readonly complete?: (program: SkillProgram) => { readonly [name: string]: Json };
}

export interface Battery {
  /** The Python text; its `attack` tries what is named. */
  readonly code: string;
  readonly attempts: readonly string[];
  readonly scene: (place: AttackPlace, guarded: boolean) => Scene | Promise<Scene>;
  /** What no control can be made of: it needs root, or would harm the machine. */
  readonly uncontrolled?: (name: string, place: AttackPlace) => boolean;
  /** What only some kernels know: without a sandbox it may fail as well. */
  readonly optional?: readonly string[];
  /** The attempts may end the process, so its end counts as an answer. */
  readonly mayEnd?: true;
  /** Default: everything that is met is a denial. */
  readonly expected?: Answer;
}

/** Has one skill try things, under the sandbox and, in a scene of its own, without one. */
export async function battery(place: AttackPlace, plan: Battery): Promise<readonly Attempt[]> {
  const { attempts, uncontrolled = () => false, optional = [], expected = "denied" } = plan;
  const guarded = await tryAll(place, plan, attempts, place.sandbox);
  const wanted = attempts.filter((name) => !uncontrolled(name, place));
  const control = await tryAll(place, plan, wanted, place.unguarded);
  const controlled = wanted.filter((name) => control(name).reached || !optional.includes(name));
  return attempts.map((name) => {
    const seen = guarded(name);
    return {
      name,
      answer: seen.reached ? "escaped" : seen.answered ? expected : "failed",
      control: controlled.includes(name) ? control(name).reached : "not possible",
      ...(seen.reached || !seen.answered ? { note: seen.met } : noteOf(controlled, name, control)),
    };
  });
}

/** `answered` unless the attacker itself broke. An attempt that met nothing and reached nothing went nowhere. */
interface Seen {
  readonly reached: boolean;
  readonly answered: boolean;
  readonly met: string;
}

function noteOf(
  controlled: readonly string[],
  name: string,
  control: (name: string) => Seen,
): { readonly note?: string } {
  if (!controlled.includes(name) || control(name).reached) return {};
  return { note: `the control met ${control(name).met}` };
}

async function tryAll(
  place: AttackPlace,
  { code, scene: makeScene, mayEnd }: Battery,
  attempts: readonly string[],
  sandbox: SandboxBackend,
): Promise<(name: string) => Seen> {
  const scene = await makeScene(place, sandbox === place.sandbox);
  const program = place.program(code, scene.overrides);
  const order = { syscalls: syscallNumbers(), ...scene.order, ...scene.complete?.(program) };
  const { result, error } = await callOnce(place, sandbox, program, "attack", {
    attempts: [...attempts],
    order,
  });
  const answers = (result?.value ?? {}) as Record<string, { readonly got?: Json; readonly met?: string }>;
  const seen = new Map<string, Seen>();
  for (const name of attempts) {
    const answer = answers[name];
    const { got = null, met = error?.message ?? "nothing" } = answer ?? {};
    seen.set(name, {
      reached: await scene.reached(name, got),
      answered: answer !== undefined || ended(error, mayEnd),
      met,
    });
  }
  return (name) => seen.get(name) ?? { reached: false, answered: false, met: "not tried" };
}

function ended(error: SkillError | undefined, mayEnd: true | undefined): boolean {
  return mayEnd === true && error?.code === "process_died";
}

/** Tries each in a process of its own, in a scene of its own. */
export async function eachAlone(place: AttackPlace, plan: Battery): Promise<readonly Attempt[]> {
  const all: Attempt[] = [];
  for (const name of plan.attempts) all.push(...await battery(place, { ...plan, attempts: [name] }));
  return all;
}

/** Numbers of system calls on this machine, by name. */
export function syscallNumbers(): Readonly<Record<string, number>> {
  return SYSCALLS[process.arch as "x64" | "arm64"].calls;
}
