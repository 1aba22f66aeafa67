import { Command, MemorySaver } from "@langchain/langgraph";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import type {
  ApprovalRequest,
  GeneratorOutcome,
  SkillGraphOptions,
  SkillSource,
} from "../../src/graph/types.ts";
import { type Behaviour, memorySkills } from "./memory-library.ts";
import type { Example } from "../../src/lifecycle/test-report.ts";
import type { PackageFiles } from "../../src/lifecycle/packages/package-text.ts";

/** A skill whose script's text says what it does: the stand-in for Python in tests of the graph's course. */
export const capitals: Behaviour = (files, _tool, input) => {
  const { text = "" } = input as { readonly text?: string };
  const script = files["skill.py"] ?? "";
  if (script.includes("raise")) throw new Error("ValueError: no");
  return script.includes("upper") ? text.toUpperCase() : text;
};

export const intent = "turn a text into capitals";

export const examples: readonly Example[] = ["a", "b", "c", "d", "e"].map((text) => ({
  input: { text },
  expected: text.toUpperCase(),
}));

export const right: PackageFiles = {
  "manifest.toml": 'id = "capitals"\nversion = "1.0.0"\ndescription = "capitals"\n',
  "skill.py": "upper",
};

/** Where a run stands. */
export interface Step {
  readonly outcome: GeneratorOutcome | null;
  readonly asked: ApprovalRequest | null;
}

/** What `invoke` answered. */
export function read(state: object): Step {
  const { outcome = null, __interrupt__: interrupts } = state as {
    readonly outcome?: GeneratorOutcome | null;
    readonly __interrupt__?: readonly { readonly value: ApprovalRequest }[];
  };
  return { outcome, asked: interrupts?.[0]?.value ?? null };
}

/** The request that a run waits with. */
export function asked(step: Step): ApprovalRequest {
  if (step.asked === null) throw new Error(`nobody was asked: ${JSON.stringify(step.outcome)}`);
  return step.asked;
}

interface Request {
  readonly intent: string;
  readonly examples?: readonly Example[];
  readonly source?: SkillSource;
}

/** A graph with a checkpointer, one thread of it, and what it works on. */
export interface Making {
  readonly skills: ReturnType<typeof memorySkills>;
  readonly graph: ReturnType<ReturnType<typeof createSkillGraph>["compile"]>;
  readonly start: (request?: Request) => Promise<Step>;
  readonly resume: (resume: unknown) => Promise<Step>;
}

/** A graph with a checkpointer on a library in memory, and one thread of it. */
export function making(
  { skills = memorySkills(capitals), ...options }:
    & Partial<Omit<SkillGraphOptions, "skills">>
    & { readonly skills?: ReturnType<typeof memorySkills> } = {},
): Making {
  const graph = createSkillGraph({ skills, ...options }).compile({ checkpointer: new MemorySaver() });
  const thread = { configurable: { thread_id: "1" } };
  return {
    skills,
    graph,
    start: async (request: Request = { intent, examples }) => read(await graph.invoke(request, thread)),
    resume: async (resume: unknown) => read(await graph.invoke(new Command({ resume }), thread)),
  };
}
