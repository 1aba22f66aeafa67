import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { createEnvironments } from "../../src/environment/create-environments.ts";
import type { SkillProgram } from "../../src/runner/types.ts";

const ENTRY: string = fileURLToPath(new URL("echo_skill/skill.py", import.meta.url));

/** The script of `echo_skill` as the runner takes it, without home and manifest. */
export async function benchProgram(): Promise<SkillProgram> {
  const { path, roots } = await createEnvironments().python();
  return {
    key: "bench",
    id: "bench",
    version: "1.0.0",
    interpreter: path,
    roots,
    entry: ENTRY,
    source: dirname(ENTRY),
    site: [],
    serve: "functions",
    tools: ["echo"],
    mode: "daemon",
    concurrent: false,
    policy: {
      read: [],
      write: [],
      network: false,
      spawn: false,
      limits: {
        memory_mb: 512,
        cpu_percent: 100,
        file_size_mb: 10,
        scratch_mb: 64,
        open_files: 64,
        processes: 32,
      },
    },
    env: {},
    secrets: {},
    start_timeout_ms: 10_000,
    call_timeout_ms: 30_000,
  };
}
