import { SkillError, type SkillErrorCode, type SkillErrorValue } from "../../base/errors.ts";
import { canonicalJson, type Json } from "../../base/json.ts";
import type { ToolSpec } from "../../manifest/types.ts";
import type { ToolCaller } from "../programs/call-tool.ts";
import type { Example, ExampleResult, ProbeResult } from "../test-report.ts";
import type { ResolvedManifest } from "../types.ts";
import type { ExampleAnswer } from "../validation/examples.ts";
import { hostileInputs } from "./hostile-inputs.ts";

const BOUNDS = {
  /** Examples that are tried once more, of a skill; of one whose every call is a process. */
  repeats: 8,
  costlyRepeats: 2,
  /** Tools that get hostile inputs. */
  tools: 4,
  /** Characters of an input as it is kept. */
  input: 400,
  /** Calls that may cost the process before the rest is left. */
  losses: 2,
  /** Milliseconds of one call with a hostile input, and of all of them. */
  call: 5_000,
  all: 20_000,
};

/** Exceptions of code that met what it did not expect. */
const SLIPS: ReadonlySet<string> = new Set([
  "AttributeError",
  "IndexError",
  "KeyError",
  "NameError",
  "RecursionError",
  "StopIteration",
  "TypeError",
  "UnboundLocalError",
  "ZeroDivisionError",
]);

/** Calls one example or input, as the test does. */
export type Answer = (example: Example, most_ms?: number) => Promise<ExampleAnswer>;

/** What is probed. */
export interface ProbeSubject {
  readonly resolved: ResolvedManifest;
  /** What examples came to, of those that may be told. */
  readonly results: readonly ExampleResult[];
  readonly tools: Pick<ToolCaller, "refuses">;
  readonly answer: Answer;
}

/**
 * Tries what examples do not: the same inputs once more, in the other order and in a fresh process, and inputs that the
 * tool was not made for. A skill that acts outside of itself is not called with those, unless its tool says it is pure.
 */
export async function probe(subject: ProbeSubject): Promise<readonly ProbeResult[]> {
  return [...await repeatExamples(subject), ...await tryHostileInputs(subject)];
}

async function repeatExamples({ resolved, results, answer }: ProbeSubject): Promise<readonly ProbeResult[]> {
  const { mode } = resolved.manifest;
  const known = results.filter(({ got, error, example }) =>
    got !== undefined || (error !== undefined && IS_AN_ANSWER.has(error.code) && example.compare === "error")
  ).filter(({ example }) => mayRepeat(resolved, toolOf(resolved, example)));
  const most = mode === "daemon" ? BOUNDS.repeats : BOUNDS.costlyRepeats;
  const probes: ProbeResult[] = [];
  for (const { example, got, error } of known.slice(0, most).toReversed()) {
    const tool = toolOf(resolved, example);
    const again = await answer(example);
    const before = got === undefined ? `the error ${error?.code ?? ""}` : canonicalJson(got);
    const now = "error" in again ? `the error ${again.error.code}` : canonicalJson(again.value);
    const told = {
      probe: "repeat",
      tool: tool.name,
      what: "the same input again",
      ...shown(example.input),
    } as const;
    probes.push(
      before === now ? { ...told, status: "passed" } : {
        ...told,
        status: tool.pure === true ? "failed" : "noted",
        message: `gave ${before.slice(0, 300)}, and in a fresh process ${now.slice(0, 300)}`,
      },
    );
  }
  return probes;
}

async function tryHostileInputs(subject: ProbeSubject): Promise<readonly ProbeResult[]> {
  const { resolved, results, tools, answer } = subject;
  const probes: ProbeResult[] = [];
  const deadline = performance.now() + BOUNDS.all;
  let losses = 0;
  for (const tool of resolved.tools.slice(0, BOUNDS.tools)) {
    const good = results.find(({ example, status }) =>
      status === "passed" && example.compare !== "error" && toolOf(resolved, example).name === tool.name
    );
    for (const { what, input } of hostileInputs(tool.input_schema, good?.example.input)) {
      const told = { probe: "hostile", tool: tool.name, what, ...shown(input) } as const;
      if (tools.refuses(tool.name, input)) {
        probes.push({ ...told, status: "passed" });
        continue;
      }
      if (!mayRepeat(resolved, tool) || losses >= BOUNDS.losses || performance.now() > deadline) continue;
      const came = await answer({ tool: tool.name, input }, BOUNDS.call);
      if ("error" in came && !IS_AN_ANSWER.has(came.error.code)) losses++;
      probes.push({ ...told, ...judge(came) });
    }
  }
  return probes;
}

/** A refusal in words is right, and so is a value. A slip of the code is not; a limit that was hit is told. */
function judge(came: ExampleAnswer): Pick<ProbeResult, "status" | "message" | "error"> {
  if (!("error" in came)) return { status: "passed" };
  const { error } = came;
  const slip = slipOf(error);
  if (slip !== undefined) {
    return {
      status: "failed",
      message: `ends in ${slip} instead of an error that says what is wrong`,
      error,
    };
  }
  if (IS_AN_ANSWER.has(error.code)) return { status: "passed" };
  return { status: "noted", message: `ends with ${error.code}: ${error.message.slice(0, 300)}`, error };
}

/** The exception that the code ran into; undefined when it was raised on purpose, with words. */
function slipOf({ code, details }: SkillErrorValue): string | undefined {
  if (code !== "tool_failed") return undefined;
  const { exception, traceback = "" } = (details?.["data"] ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof exception !== "string" || typeof traceback !== "string" || !SLIPS.has(exception)) {
    return undefined;
  }
  const last = traceback.trimEnd().split("\n").at(-1) ?? "";
  return /^\s*raise\b/.test(last) ? undefined : exception;
}

/** Errors with which a tool, its schema or the serving loop says no. */
const IS_AN_ANSWER: ReadonlySet<SkillErrorCode> = new Set(["tool_failed", "invalid_input", "invalid_output"]);

/** Whether a call more does nothing that somebody else notices. */
function mayRepeat({ manifest }: ResolvedManifest, tool: ToolSpec): boolean {
  const { network_access, file_write, process_spawn } = manifest.security.permissions;
  const quiet = network_access === false && !process_spawn && file_write.length === 0 &&
    manifest.credentials.length === 0;
  return quiet || tool.pure === true;
}

function toolOf({ tools, default_tool }: ResolvedManifest, { tool = default_tool }: Example): ToolSpec {
  const found = tools.find(({ name }) => name === tool);
  if (found !== undefined) return found;
  throw new SkillError("tool_not_found", `an example calls the tool "${tool}", which is not there`);
}

/** The input, where it is short enough to be told. */
function shown(input: Json): { readonly input?: Json } {
  return JSON.stringify(input).length <= BOUNDS.input ? { input } : {};
}
