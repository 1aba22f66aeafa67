import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { commit, type Home, requireTrusted } from "../home/home.ts";
import { toolTimeout } from "../programs/program.ts";
import { envOfAnswer, storeSkillEnv } from "../records/skill-env.ts";
import { candidateOf, generationInfo, servingOf } from "../records/skill-record.ts";
import { appendSlotLog } from "../records/slot-log.ts";
import type { OperationOptions } from "../testing/testing.ts";
import type { GenerationInfo } from "../types.ts";
import type { Serving } from "./serving.ts";

/** What came of a setup. */
export interface SetupResult {
  readonly skill_id: string;
  readonly generation: GenerationInfo;
  /** What the setup tool answered. */
  readonly value: Json;
  /** What it left for later runs and tests; undefined when it changed nothing. */
  readonly env?: Readonly<Record<string, string>>;
  readonly logs: string;
}

/**
 * Runs the setup tool of the serving generation, with the skill's secrets, and keeps the environment that it answers.
 * Not before activation: only then it is settled which version's data and secrets are set up.
 *
 * @throws {SkillError} `not_active`, `tool_not_found` when it has none, `secrets_missing`, `invalid_output`, and what
 * the tool says
 */
export async function setupSkill(
  home: Home,
  serving: Serving,
  id: string,
  { actor, signal }: OperationOptions = {},
): Promise<SetupResult> {
  requireTrusted(home);
  const record = home.view.get(id);
  const generation = servingOf(record);
  if (generation === undefined) {
    const waiting = candidateOf(record);
    const state = waiting === undefined ? "is not active" : `${waiting.version} is ${waiting.status}`;
    throw new SkillError("not_active", `"${id}" cannot be set up: it ${state}`, {
      fix: `activate it first: skillwright activate ${id}`,
      details: { id },
    });
  }
  const tool = generation.resolved.manifest.setup;
  if (tool === undefined) {
    throw new SkillError("tool_not_found", `"${id}" has no setup tool`, {
      fix: "it needs none; its secrets are set by: skillwright secrets set",
      details: { id },
    });
  }
  return await serving.with(generation, async ({ program }) => {
    const timeout_ms = toolTimeout(generation.resolved, tool, home.settings) * 1000;
    const request = { tool, input: {}, timeout_ms, ...(signal === undefined ? {} : { signal }) };
    const { value, logs } = await home.runner.call(program, request);
    const env = envOfAnswer(id, value);
    const { digest } = generation;
    const details = { generation: generation.number, env: Object.keys(env ?? {}) };
    await commit(home, { actor, action: "setup", skill_id: id, digest, details }, (tx) => {
      if (env !== undefined) storeSkillEnv(tx, id, env);
    });
    await appendSlotLog(home.layout, generation, "setup", logs === "" ? "set up" : `set up\n${logs}`);
    return {
      skill_id: id,
      generation: generationInfo(generation),
      value,
      logs,
      ...(env === undefined ? {} : { env }),
    };
  });
}
