import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { nearest } from "../../base/nearest.ts";
import { checkFiles, writeFiles } from "../files/files-in.ts";
import { clearFolder, collectFiles } from "../files/files-out.ts";
import type { Deadline } from "../limits/deadline.ts";
import type { CallRequest, CallResult, RunnerLimits, SkillProgram } from "../types.ts";
import type { Launched } from "./launch.ts";
import { isShared } from "./orders.ts";
import type { Outcome } from "./skill-process.ts";

/**
 * Refuses a call that can't succeed, before anything is started for it.
 *
 * @throws {SkillError} `tool_not_found`, `invalid_input`, `limit_exceeded`
 */
export function checkRequest(program: SkillProgram, request: CallRequest, limits: RunnerLimits): void {
  if (program.tools.length > 0 && !program.tools.includes(request.tool)) {
    const meant = nearest(request.tool, program.tools);
    throw new SkillError("tool_not_found", `"${program.id}" has no tool "${request.tool}"`, {
      fix: meant === undefined ? `its tools are ${program.tools.join(", ")}` : `use "${meant}"`,
      details: { tools: program.tools },
    });
  }
  if (request.files === undefined) return;
  if (isShared(program)) {
    throw new SkillError(
      "invalid_input",
      `"${program.id}" serves several calls at a time and takes no files`,
      {
        fix: "give it the data as input, or make it a skill without `concurrent`",
      },
    );
  }
  checkFiles(request.files, limits);
}

/**
 * One call on a started process: files in, request, files out. Afterwards `in/` and `out/` are empty again, or the
 * process is gone. Where calls share a process its folders are nobody's: no files come in or out.
 *
 * @throws {SkillError} what the tool, its process, or a limit says
 */
export async function invoke(
  launched: Launched,
  program: SkillProgram,
  request: CallRequest,
  deadline: Deadline,
  limits: RunnerLimits,
): Promise<CallResult> {
  const { process, scratch, redactor } = launched, { sandbox } = process;
  if (isShared(program)) {
    return { ...await ask(launched, program, request, deadline), artifacts: {}, sandbox };
  }
  let untouched = false;
  try {
    if (request.files !== undefined) await writeFiles(scratch.in, request.files);
    const outcome = await ask(launched, program, request, deadline);
    const empty = scratch.isOutEmpty();
    untouched = empty && request.files === undefined;
    if (empty) return { ...outcome, artifacts: {}, sandbox };
    const { files, skipped } = await collectFiles(scratch.out, limits);
    const notes = skipped.map((path) => `out/${path} is no plain file and was left out\n`).join("");
    return {
      ...outcome,
      artifacts: redactor.files(files),
      logs: outcome.logs + redactor.text(notes),
      sandbox,
    };
  } finally {
    if (!untouched) await cleanUp(launched);
  }
}

function ask(
  launched: Launched,
  program: SkillProgram,
  request: CallRequest,
  deadline: Deadline,
): Promise<Outcome> {
  const { onProgress } = request;
  request.onSent?.();
  return launched.process.exchange("invoke", invokeParams(launched, program, request), {
    deadline,
    ...(onProgress === undefined ? {} : {
      onNotification: (method: string, params: Json) => {
        if (method === "progress") onProgress(params);
      },
    }),
  });
}

/** What a program expects to get with `invoke`. */
export function invokeParams(
  { introduction }: Pick<Launched, "introduction">,
  program: SkillProgram,
  request: Pick<CallRequest, "tool" | "input">,
): Json {
  const named = program.serve === "functions" || program.tools.length > 1 || introduction.protocol > 1;
  return named ? { tool: request.tool, input: request.input } : request.input;
}

async function cleanUp({ process, scratch }: Launched): Promise<void> {
  if (process.status !== "running") return; // its folder goes with it
  const clean = await clearFolder(scratch.out) && await clearFolder(scratch.in);
  if (!clean) {
    process.kill(new SkillError("limit_exceeded", "a skill left more files than can be cleared away"));
  }
}
