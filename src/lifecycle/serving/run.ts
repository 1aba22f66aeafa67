import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { CallResult } from "../../runner/types.ts";
import { type Home, requireTrusted } from "../home/home.ts";
import type { RunEnd } from "../programs/run-log.ts";
import type { SkillRecord, StoredGeneration } from "../records/records.ts";
import { candidateOf, generationInfo, ownGeneration, servingOf } from "../records/skill-record.ts";
import type { GenerationInfo } from "../types.ts";
import type { Served, Serving } from "./serving.ts";

/** How a tool is run. */
export interface RunOptions {
  readonly tool?: string;
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly onProgress?: (params: Json) => void;
}

/** What a run gave, and what ran. */
export interface RunResult extends CallResult {
  readonly skill_id: string;
  readonly tool: string;
  readonly generation: GenerationInfo;
}

/** Runs a tool of the generation that serves. */
export function runSkill(
  home: Home,
  serving: Serving,
  id: string,
  input: Json,
  options: RunOptions = {},
): Promise<RunResult> {
  return withServing(home, serving, id, (served) => callServed(home, served, input, options));
}

/**
 * Does something with the generation that serves; when another takes its place before it was called, with that one.
 *
 * @throws {SkillError} `not_active`, `disabled_by_config`, `untrusted_home`
 */
export async function withServing<T>(
  home: Home,
  serving: Serving,
  id: string,
  action: (served: Served) => Promise<T>,
): Promise<T> {
  requireTrusted(home);
  if (!home.settings.python_skills.enabled) {
    throw new SkillError("disabled_by_config", "Python skills are switched off in this home", {
      fix: "set enabled = true below [python_skills] in config.toml",
    });
  }
  for (;;) {
    const record = home.view.get(id);
    const generation = servingOf(record) ?? notActive(record);
    try {
      if (generation.resolved.manifest.state === undefined) return await serving.with(generation, action);
      return await home.stateGate.shared(
        id,
        () => serving.with(servingOf(home.view.get(id)) ?? notActive(record), action),
      );
    } catch (error) {
      // Nothing of it was called: what serves now is, if anything does.
      if (!SkillError.isInstance(error) || error.code !== "conflict") throw error;
    }
  }
}

async function callServed(home: Home, served: Served, input: Json, options: RunOptions): Promise<RunResult> {
  const { generation, program, caller } = served;
  const { tool: asked, timeout_ms, signal, files, onProgress } = options;
  const tool = caller.tool(asked).name;
  const request = {
    tool,
    input,
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
    ...(signal === undefined ? {} : { signal }),
    ...(files === undefined ? {} : { files }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
  const started_at = Date.now(), began = performance.now();
  const note = (
    code: string | null,
    end: RunEnd,
  ): void => {
    const wall_ms = performance.now() - began;
    home.history.add({
      skill_id: generation.skill_id,
      version: generation.version,
      tool,
      ok: code === null,
      code,
      started_at,
      wall_ms,
      cpu_ms: "result" in end ? end.result.usage.cpu_ms ?? null : null,
      max_rss_kb: "result" in end ? end.result.usage.max_rss_kb ?? null : null,
    });
    home.runLog.add(generation, tool, wall_ms, end);
  };
  try {
    const result = await caller.call(program, request);
    note(null, { result });
    return { ...result, skill_id: generation.skill_id, tool, generation: generationInfo(generation) };
  } catch (error) {
    note(SkillError.isInstance(error) ? error.code : "tool_failed", { error });
    throw error;
  }
}

function notActive(record: SkillRecord): StoredGeneration {
  const candidate = candidateOf(record), own = ownGeneration(record);
  const fix = candidate !== undefined
    ? `activate it: its version ${candidate.version} is ${candidate.status}`
    : own.status === "quarantined"
    ? `it is quarantined (${
      own.last_error ?? "no reason given"
    }); roll back, or activate it after a look at it`
    : "activate it";
  throw new SkillError("not_active", `"${record.id}" is ${own.status}: no version of it serves`, {
    fix,
    details: { id: record.id, status: own.status },
  });
}
