import { enforcedBy } from "../sandbox/enforced-by.ts";
import { type Home, requireTrusted } from "./home.ts";
import { toolTimeout } from "./program.ts";
import { ToolCaller } from "./call-tool.ts";
import { generationInfo, shownGeneration } from "./skill-record.ts";
import type { RunPlan } from "./types.ts";

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
