import { randomUUID } from "node:crypto";
import type { Json } from "../base/json.ts";
import type { Serve } from "../manifest/types.ts";
import type { SkillProgram } from "./types.ts";

/** What a started process is to do: read by `python/serve.py`. Holds the secrets. */
export type Orders = {
  readonly mode: Serve | "tests" | "outline";
  readonly entry: string;
  readonly source: string;
  readonly site: readonly string[];
  readonly tools: readonly string[];
  readonly id: string;
  readonly version: string;
  /** Bytes of one message. */
  readonly limit: number;
  readonly env: Readonly<Record<string, string>>;
  /** Written to stderr behind what a call printed; nothing else may look like it. */
  readonly mark: string;
  /** The Python text to outline. */
  readonly text?: string;
};

/** Orders to serve a program, or to run its tests. */
export function programOrders(program: SkillProgram, mode: Serve | "tests", limit: number): Orders & Json {
  const { entry, source, site, tools, id, version } = program;
  return {
    mode,
    entry,
    source,
    site,
    tools,
    id,
    version,
    limit,
    mark: newMark(),
    env: { ...program.env, ...program.secrets },
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
    limit,
    env: {},
    mark: newMark(),
    text,
  };
}

function newMark(): string {
  return `\0${randomUUID()}\0`;
}
