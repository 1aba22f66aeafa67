import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { Deadline } from "../limits/deadline.ts";
import { writeFiles } from "../files/files-in.ts";
import { collectFiles } from "../files/files-out.ts";
import { type LaunchContext, planIn } from "../process/launch.ts";
import type { Orders } from "../process/orders.ts";
import { programLaunch } from "../process/program-launch.ts";
import { Redactor } from "../logs/redact.ts";
import { makeScratch, type Scratch } from "../files/scratch.ts";
import type { CallRequest, CallResult, SkillProgram } from "../types.ts";
import { finishCommand } from "./command-process.ts";
import { findCommand } from "./declared-command.ts";

/** A command that is to run once. */
interface Run {
  readonly program: SkillProgram;
  readonly words: readonly string[];
  readonly request: CallRequest;
  readonly deadline: Deadline;
  /** Ends it before its deadline, with a `SkillError` as reason. */
  readonly signal: AbortSignal;
}

/**
 * Commands that run once: input as JSON on standard input, answer on standard output, exit code 0. Each has a process
 * and a scratch folder of its own, in the sandbox of the skill that it stands in for.
 */
export class CommandRuns {
  readonly #context: LaunchContext;
  readonly #running = new Set<{ key: string; ending: AbortController; done: Promise<unknown> }>();
  #closed: SkillError | undefined;

  constructor(context: LaunchContext) {
    this.#context = context;
  }

  /** @throws {SkillError} `start_failed`, `tool_failed` for another exit code, and what ended it before */
  async run(
    program: SkillProgram,
    words: readonly string[],
    request: CallRequest,
    deadline: Deadline,
  ): Promise<CallResult> {
    if (this.#closed !== undefined) throw this.#closed;
    const ending = new AbortController();
    const done = this.#run({ program, words, request, deadline, signal: ending.signal });
    const running = { key: program.key, ending, done };
    this.#running.add(running);
    try {
      return await done;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Ends the commands of a key. */
  async stop(key: string, cause: SkillError): Promise<void> {
    await end([...this.#running].filter((one) => one.key === key), cause);
  }

  /** Ends all commands, for good. */
  async close(cause: SkillError): Promise<void> {
    this.#closed ??= cause;
    await end([...this.#running], cause);
  }

  async #run({ program, words, request, deadline, signal }: Run): Promise<CallResult> {
    const { sandbox, limits, scratchRoot } = this.#context;
    const orders = await this.#orders(program, words);
    const scratch = await makeScratch(scratchRoot);
    const redactor = new Redactor(program.secrets), started = performance.now();
    const label = `"${words[0]}" of "${program.id}"`;
    try {
      if (request.files !== undefined) await writeFiles(scratch.in, request.files);
      const plan = await planIn(sandbox, { ...programLaunch(program, "serve", limits), orders }, scratch);
      signal.throwIfAborted();
      const child = sandbox.spawn(plan), { input } = request;
      const { value, log } = await finishCommand(child, { orders, input, label, deadline, signal, limits });
      return {
        value: redactor.value(value),
        artifacts: redactor.files(await this.#files(scratch)),
        logs: redactor.text(log),
        usage: { wall_ms: performance.now() - started },
        sandbox: { backend: plan.backend, unenforced: plan.unenforced },
      };
    } catch (error) {
      throw SkillError.isInstance(error) ? redactor.error(error) : error;
    } finally {
      await scratch.remove();
    }
  }

  async #orders(program: SkillProgram, words: readonly string[]): Promise<Orders & Json> {
    const found = await findCommand(words, program);
    const { command: _, ...plain } = program;
    const of = (what: SkillProgram): Orders => programLaunch(what, "serve", this.#context.limits).orders;
    return found.kind === "program"
      ? of({ ...plain, serve: "stdio", command: found.program })
      : { ...of({ ...plain, serve: "fd", entry: found.entry }), args: found.args };
  }

  async #files({ out }: Scratch): Promise<CallResult["artifacts"]> {
    return (await collectFiles(out, this.#context.limits)).files;
  }
}

async function end(
  runs: readonly { readonly ending: AbortController; readonly done: Promise<unknown> }[],
  cause: SkillError,
): Promise<void> {
  for (const { ending } of runs) ending.abort(cause);
  await Promise.allSettled(runs.map(({ done }) => done));
}
