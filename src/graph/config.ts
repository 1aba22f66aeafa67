import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { Actor } from "../lifecycle/types.ts";
import { TEMPLATE_MAKER } from "./scaffold.ts";
import type { GeneratorConfig, GraphSkills, SkillGraphOptions } from "./types.ts";

/** What every node is bound to. */
export interface GraphContext {
  readonly skills: GraphSkills;
  readonly model: BaseChatModel | null;
  readonly maker: string;
  readonly verifier: { readonly model: BaseChatModel; readonly name: string } | null;
  readonly config: GeneratorConfig;
  readonly actor: Actor;
  /** Whether a person is asked by an interrupt; false: the run ends `proposed`. */
  readonly asks: boolean;
}

/** The context of a graph: the home's settings, narrowed by the options. */
export function graphContext(options: SkillGraphOptions): GraphContext {
  return {
    skills: options.skills,
    model: options.model ?? null,
    maker: options.maker ?? (options.model ? modelName(options.model) : TEMPLATE_MAKER),
    verifier: options.verifier === undefined
      ? null
      : { model: options.verifier, name: modelName(options.verifier) },
    config: generatorConfig(options),
    actor: options.actor ?? { via: "code" },
    asks: true,
  };
}

/** The generator's settings that hold for a graph with these options. Absent keys come from the home. */
export function generatorConfig(options: Pick<SkillGraphOptions, "skills" | "config">): GeneratorConfig {
  const given = Object.entries(options.config ?? {}).filter(([, value]) => value !== undefined);
  return { ...options.skills.settings.generator, ...Object.fromEntries(given) };
}

/** Super-steps that a run can need: LangGraph's own limit of 25 would end an honest run of 8 turns in 4 rounds. */
export function recursionLimit(config: Pick<GeneratorConfig, "max_llm_turns" | "max_test_rounds">): number {
  const round = 2 * config.max_llm_turns + 3;
  return 12 + round * config.max_test_rounds;
}

function modelName(model: BaseChatModel): string {
  const named: { readonly model?: unknown; readonly modelName?: unknown } = model as object;
  const name = [named.model, named.modelName].find((value) => typeof value === "string" && value !== "");
  return typeof name === "string" ? `${model._llmType()}:${name}` : model._llmType();
}
