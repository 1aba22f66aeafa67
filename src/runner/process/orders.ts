import { randomUUID } from "node:crypto";
import type { Json } from "../../base/json.ts";
import type { Serve } from "../../manifest/types.ts";
import type { DeclaredProgram, RunnerLimits, SkillProgram } from "../types.ts";

/** Whether calls of a program share one process. */
export function isShared({ concurrent, mode }: Pick<SkillProgram, "concurrent" | "mode">): boolean {
  return concurrent && mode === "daemon";
}

/** What a started process is to do: read by `python/serve.py`. Holds the secrets. */
export type Orders = {
  readonly mode: Serve | "tests" | "outline";
  readonly entry: string;
  readonly source: string;
  readonly digests?: Readonly<Record<string, string>>;
  readonly site: readonly string[];
  readonly tools: readonly string[];
  readonly id: string;
  readonly version: string;
  /** Calls that it serves at the same time. */
  readonly concurrent: number;
  /** Bytes of one message. */
  readonly limit: number;
  readonly env: Readonly<Record<string, string>>;
  /** Written to stderr behind what a call printed; nothing else may look like it. */
  readonly mark: string;
  /** What is started in place of `entry`. */
  readonly command?: DeclaredProgram;
  /** What follows the entry in `sys.argv`. */
  readonly args?: readonly string[];
  /** The Python text to outline. */
  readonly text?: string;
};

type OrderLimits = Pick<RunnerLimits, "maxMessageBytes" | "maxConcurrent" | "maxConcurrentPerSkill">;

/** Orders to serve a program, or to run its tests. */
export function programOrders(
  program: SkillProgram,
  mode: Serve | "tests",
  limits: OrderLimits,
): Orders & Json {
  const { entry, source, digests, site, tools, id, version, command } = program;
  return {
    mode,
    entry,
    source,
    ...(digests === undefined ? {} : { digests }),
    site,
    tools,
    id,
    version,
    concurrent: isShared(program) && mode !== "tests"
      ? Math.min(limits.maxConcurrent, limits.maxConcurrentPerSkill)
      : 1,
    limit: limits.maxMessageBytes,
    mark: newMark(),
    env: { ...program.env, ...program.secrets },
    ...(command === undefined || mode === "tests" ? {} : { command }),
  };
}

/** Orders to read the shape of a Python text. */
export function outlineOrders(text: string, limit: number): Orders & Json {
  return {
    mode: "outline",
    entry: "",
    source: "",
    site: [],
    tools: [],
    id: "outline",
    version: "0.0.0",
    concurrent: 1,
    limit,
    env: {},
    mark: newMark(),
    text,
  };
}

function newMark(): string {
  return `\0${randomUUID()}\0`;
}
