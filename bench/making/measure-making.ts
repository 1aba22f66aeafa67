import { join } from "node:path";
import { Command, MemorySaver } from "@langchain/langgraph";
import { SkillError } from "../../src/base/errors.ts";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import type { ApprovalRequest, GeneratorOutcome } from "../../src/graph/types.ts";
import { Deadline } from "../../src/runner/limits/deadline.ts";
import { launch } from "../../src/runner/process/launch.ts";
import { DEFAULT_LIMITS } from "../../src/runner/limits/limits.ts";
import { programLaunch } from "../../src/runner/process/program-launch.ts";
import { givenRoot } from "../../src/runner/files/scratch.ts";
import { openSkills, type Skills } from "../../src/skills.ts";
import { benchProgram } from "../runner/bench-program.ts";
import { measure, type Times } from "../runner/measure.ts";
import { InstantMaker } from "./maker.ts";
import type { Example } from "../../src/lifecycle/test-report.ts";
import type { PackageFiles } from "../../src/lifecycle/packages/package-text.ts";

const EXAMPLES: readonly Example[] = [
  { input: { text: "one two" }, expected: 2 },
  { input: { text: "" }, expected: 0 },
  { input: { text: "a b c" }, expected: 3 },
  { input: { text: "  spaced   out " }, expected: 2 },
];

/** Sets making a skill, and one round of repair, beside one sandboxed start to the first answer. */
export async function measureMaking(
  folder: string,
  rounds: number,
): Promise<Record<string, number | string>> {
  await using skills = await openSkills({ dir: join(folder, "home") });
  const { backend } = await skills.sandbox.probe();
  const start = await sandboxedStart(skills, join(folder, "scratch"));
  let number = 0;
  const make = (versions: number, tries: boolean) => () => makeOne(skills, ++number, versions, tries);
  const variants = { start, once: make(1, false), repaired: make(2, false), tried: make(1, true) };
  // The first of each loads the model, compiles what is imported, and is not measured.
  await measure(variants, { rounds: 1, actions: 1 });
  const times = await measure(variants, { rounds, actions: 1 });
  return { sandbox: backend, ...figures(times) };
}

function figures(
  { start, once, repaired, tried }: Times<"start" | "once" | "repaired" | "tried">,
): Record<string, number> {
  return {
    start_ms: start,
    making_ms: once,
    making_tried_ms: tried,
    repair_round_ms: repaired - once,
    making_vs_start: once / start,
    making_tried_vs_start: tried / start,
    repair_round_vs_start: (repaired - once) / start,
  };
}

/** Starts a sandboxed process, has it answer, and ends it. */
async function sandboxedStart({ sandbox }: Skills, scratchRoot: string): Promise<() => Promise<void>> {
  const request = programLaunch(await benchProgram(), "serve", DEFAULT_LIMITS);
  const place = { sandbox, scratchRoot: givenRoot(scratchRoot), limits: DEFAULT_LIMITS };
  return async () => {
    const { process, scratch } = await launch(place, request);
    const input = { tool: "echo", input: { value: "x" } };
    await process.exchange("invoke", input, { deadline: new Deadline(30_000) });
    await process.stop(new SkillError("closed", "done"));
    await scratch.remove();
  };
}

/** From the intent to the active skill, through the whole graph; all but the last version fail. */
async function makeOne(skills: Skills, number: number, versions: number, tries: boolean): Promise<void> {
  const packages = Array.from({ length: versions }, (_, at) => wordsSkill(number, at === versions - 1));
  const model = new InstantMaker(packages, { tries });
  const graph = createSkillGraph({ skills, model, config: { reuse: "threshold", discovery_threshold: 1 } })
    .compile({ checkpointer: new MemorySaver() });
  const config = { configurable: { thread_id: String(number) } };
  const intent = `count the words of a text, the way number ${number} wants it`;
  const asked = await graph.invoke({ intent, examples: EXAMPLES }, config);
  const digest = digestOf(asked);
  const { outcome } = await graph.invoke(new Command({ resume: { decision: "approve", digest } }), config);
  requireInstalled(outcome, versions);
}

function digestOf(state: object): string {
  const { __interrupt__: asked } = state as {
    readonly __interrupt__?: readonly { readonly value: ApprovalRequest }[];
  };
  const [first] = asked ?? [];
  if (first === undefined) throw new Error(`nothing was proposed: ${JSON.stringify(state)}`);
  return first.value.digest;
}

function requireInstalled(outcome: GeneratorOutcome | null, rounds: number): void {
  if (outcome?.outcome === "installed" && outcome.report.rounds === rounds) return;
  throw new Error(
    `what was measured is not the making of a skill in ${rounds} round(s): ${JSON.stringify(outcome)}`,
  );
}

function wordsSkill(number: number, right: boolean): PackageFiles {
  return {
    "manifest.toml": `id = "words_${number}"
name = "Words ${number}"
version = "1.0.0"
description = "Count the words of a text, the way number ${number} wants it"
serve = "functions"

[[tools]]
name = "count"
description = "How many words a text has"
input_schema = { type = "object", properties = { text = { type = "string" } }, required = ["text"] }
output_schema = { type = "integer" }
`,
    "skill.py": `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
def count(text: str) -> int:
    """Way ${number} of counting words."""
    return len(text.split(${right ? "" : '" "'}))
`,
  };
}
