import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findCanaryPython } from "../../src/sandbox/canary/canary-python.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import type {
  BackendName,
  ProcessExit,
  SandboxBackend,
  SandboxedProcess,
  SandboxLimits,
  SandboxPolicy,
} from "../../src/sandbox/types.ts";

export const LIMITS: SandboxLimits = {
  memory_mb: 128,
  cpu_percent: 400,
  cpu_seconds: 10,
  file_size_mb: 2,
  scratch_mb: 8,
  open_files: 64,
  processes: 32,
};

export const NO_GRANTS: SandboxPolicy = { read: [], write: [], network: false, spawn: false, limits: LIMITS };

export const isRoot: boolean = process.getuid?.() === 0;

/** The two real backends, as far as this machine has them; each with the reason why it is skipped. */
export async function backendsHere(): Promise<
  { name: BackendName; backend: SandboxBackend; skip?: string }[]
> {
  return await Promise.all((["bubblewrap", "landlock"] as const).map(async (name) => {
    const backend = createSandbox({ backend: name });
    const report = await backend.probe();
    return { name, backend, ...(report.usable ? {} : { skip: report.missing[0]?.reason ?? "unusable" }) };
  }));
}

/** A throw-away folder with a package's sources and a scratch folder. */
export class Place implements Disposable {
  readonly dir: string = realpathSync(mkdtempSync(join(tmpdir(), "skillwright-sandbox-")));
  readonly source: string = this.folder("source");
  readonly scratch: string = this.folder("scratch");

  constructor() {
    this.folder("scratch/in");
    this.folder("scratch/out");
  }

  folder(name: string): string {
    const path = join(this.dir, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  file(name: string, text: string, mode = 0o644): string {
    const path = join(this.dir, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface RunResult {
  readonly exit: ProcessExit;
  readonly out: string;
  readonly err: string;
}

/** Starts a Python text as a program that uses descriptors 0 and 1 itself. */
export async function start(
  backend: SandboxBackend,
  place: Place,
  code: string,
  policy: Partial<SandboxPolicy> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<SandboxedProcess> {
  const python = await findCanaryPython();
  const entry = place.file("source/skill.py", code);
  const plan = await backend.plan({ ...NO_GRANTS, ...policy }, {
    interpreter: python.path,
    roots: [...python.roots, place.source],
    scratch: place.scratch,
  });
  const child = backend.spawn(plan);
  child.handOver({ mode: "fd", entry, source: place.source, site: [], env });
  return child;
}

/** Runs a Python text to its end, at most 20 seconds. */
export async function run(
  backend: SandboxBackend,
  place: Place,
  code: string,
  policy: Partial<SandboxPolicy> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const child = await start(backend, place, code, policy, env);
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => out += chunk);
  child.stderr.on("data", (chunk) => err += chunk);
  const deadline = setTimeout(() => child.kill(), 20_000);
  const exit = await child.exited;
  clearTimeout(deadline);
  return { exit, out, err };
}

/** Processes whose command line, environment or mounts name `text`. Zombies have none of them. */
export function survivors(text: string): string[] {
  const read = (pid: string, name: string) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, "latin1");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc").filter((pid) =>
    /^\d+$/.test(pid) && pid !== String(process.pid) &&
    ["cmdline", "environ", "mountinfo"].some((name) => read(pid, name).includes(text))
  );
}

/** What Node needs for TypeScript; Deno needs nothing. */
export const TYPESCRIPT_FLAGS: readonly string[] = "Deno" in globalThis
  ? []
  : ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"];

/** How this very runtime runs a TypeScript file. */
export function runtimeArguments(file: string): string[] {
  return ["Deno" in globalThis ? ["run", "-A", "--quiet"] : TYPESCRIPT_FLAGS, file].flat();
}

/** Waits until `condition` holds, looking again and again, at most ten seconds. */
export async function eventually(condition: () => Promise<boolean> | boolean): Promise<boolean> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}
