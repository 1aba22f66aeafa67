import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Json } from "../base/json.ts";
import type { Operation } from "./types.ts";
import type { RunResult } from "../lifecycle/serving/run.ts";

/** A file that a skill left, as JSON can carry it. */
export interface ArtifactValue {
  readonly path: string;
  readonly size: number;
  readonly base64: string;
}

/** Answer of `run`. */
export interface RunAnswer extends Omit<RunResult, "artifacts"> {
  readonly artifacts: readonly ArtifactValue[];
}

/** Input of `run`. */
export interface RunInput {
  readonly id: string;
  readonly tool?: string | undefined;
  readonly input: Json;
  readonly timeout_ms?: number | undefined;
  /** Base64 by relative path. */
  readonly files?: Readonly<Record<string, string>> | undefined;
}

/** Operation `run`. */
export const run: Operation<RunInput, RunAnswer> = {
  name: "run",
  description: "Run a tool of a skill",
  mode: "full",
  input: z.object({
    id: z.string().min(1),
    tool: z.string().optional(),
    input: z.json().default({}),
    timeout_ms: z.number().positive().optional(),
    files: z.record(z.string(), z.base64()).optional().describe(
      "files for the call, base64 by relative path",
    ),
  }),
  async handler({ skills, signal }, { id, tool, input, timeout_ms, files }): Promise<RunAnswer> {
    const { artifacts, ...result } = await skills.library.run(id, input, {
      ...(tool === undefined ? {} : { tool }),
      ...(timeout_ms === undefined ? {} : { timeout_ms }),
      ...(signal === undefined ? {} : { signal }),
      ...(files === undefined ? {} : { files: decodeFiles(files) }),
    });
    return {
      ...result,
      artifacts: Object.entries(artifacts).map(([path, bytes]) => encodeFile(path, bytes)),
    };
  },
};

function decodeFiles(files: Readonly<Record<string, string>>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(files).map(([path, data]) => [path, Buffer.from(data, "base64")]));
}

function encodeFile(path: string, bytes: Uint8Array): ArtifactValue {
  return { path, size: bytes.byteLength, base64: Buffer.from(bytes).toString("base64") };
}
