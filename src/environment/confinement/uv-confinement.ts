import type { BackendName } from "../../sandbox/types.ts";
import type { KnownHosts } from "../index/index-hosts.ts";
import type { ToolResult } from "../toolchain/run-tool.ts";
import type { PythonInterpreter, UvTool } from "../types.ts";

/** What uv needs to be started. */
export interface UvNeeds {
  readonly python: PythonInterpreter;
  readonly uv: UvTool;
  /** The one folder that it may write; cache and stages are below it, so that it can link files between them. */
  readonly room: string;
  /** Where it gets folders that live as long as it runs; not in the room. */
  readonly scratch: string;
  /** Real paths that it must read besides: certificates, folders of wheels. */
  readonly files: readonly string[];
  /** uv's variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly offline: boolean;
  /** `auto`: the strongest that works here. */
  readonly backend: "auto" | Exclude<BackendName, "unsafe-none">;
  /** Absolute path of bubblewrap. Default: found. */
  readonly bwrap: string | undefined;
  readonly known: KnownHosts;
  /** Names of packages that the index is asked for to learn where it keeps files. */
  readonly names: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** uv, started as confined as it can be here. */
export interface ConfinedUv {
  readonly by: "bubblewrap" | "landlock" | "nothing";
  /** What is not enforced, and why; undefined when everything is. */
  readonly unenforced: string | undefined;
  /** Runs uv, or another program, to its end, in `cwd` below the room. */
  run(args: readonly string[], cwd: string, timeout_ms: number, more?: OtherProgram): Promise<ToolResult>;
  close(): Promise<void>;
}

/** A program instead of uv, with variables besides uv's. */
export interface OtherProgram {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}
