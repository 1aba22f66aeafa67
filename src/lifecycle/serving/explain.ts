import { enforcedBy, type Enforcement } from "../../sandbox/policy/enforced-by.ts";
import type { SandboxPlan, SandboxPolicy } from "../../sandbox/types.ts";
import { type Home, requireTrusted } from "../home/home.ts";
import { ToolCaller } from "../programs/call-tool.ts";
import { toolTimeout } from "../programs/program.ts";
import { generationInfo, shownGeneration } from "../records/skill-record.ts";
import type { GenerationInfo } from "../types.ts";

/** How a tool would be run. Holds names of secrets, never their values. */
export interface RunPlan {
  readonly skill_id: string;
  readonly tool: string;
  /** The serving generation, else the one that would serve next. */
  readonly generation: GenerationInfo;
  readonly mode: "daemon" | "one_shot";
  /** Milliseconds that one call may take. */
  readonly timeout_ms: number;
  readonly policy: SandboxPolicy;
  /** Names of all variables of its environment, credentials left out. */
  readonly environment: readonly string[];
  readonly credentials: readonly { readonly name: string; readonly set: boolean }[];
  readonly enforced: readonly Enforcement[];
  /** The start itself, for an empty scratch folder that no longer exists. */
  readonly plan: SandboxPlan;
}

/**
 * Says how a tool of a skill would be run here, and runs nothing of it.
 *
 * @throws {SkillError} `not_found`, `tool_not_found`, `permission_refused`, `sandbox_unavailable`, `untrusted_home`
 */
export async function explainSkill(home: Home, id: string, tool?: string): Promise<RunPlan> {
  requireTrusted(home);
  const generation = shownGeneration(home.view.get(id));
  const { resolved, skill_id, build, number } = generation;
  const { name } = new ToolCaller(home.runner, resolved).tool(tool);
  const dir = home.layout.build(skill_id, build);
  const program = await home.programs.make({
    name: `${skill_id}@${number}`,
    dir,
    resolved,
    needSecrets: false,
  });
  const plan = await home.runner.plan(program);
  const set = Object.keys(program.secrets);
  return {
    skill_id,
    tool: name,
    generation: generationInfo(generation),
    mode: program.mode,
    timeout_ms: toolTimeout(resolved, name, home.settings) * 1000,
    policy: program.policy,
    environment: [...new Set([...Object.keys(plan.env), ...Object.keys(program.env)])].sort(),
    credentials: resolved.manifest.credentials.map(({ name }) => ({ name, set: set.includes(name) })),
    enforced: enforcedBy(program.policy, plan),
    plan,
  };
}
