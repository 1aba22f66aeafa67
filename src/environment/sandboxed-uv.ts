import { lstat, readlink } from "node:fs/promises";
import { runTool } from "./run-tool.ts";

/** How uv is confined while it resolves and installs. */
export interface UvConfinement {
  /** Absolute path of bubblewrap; undefined: uv runs bare. */
  readonly bwrap: string | undefined;
  /** Real path of uv. */
  readonly uv: string;
  /** The one folder that it may write; cache and stage are below it, so that it can link files between them. */
  readonly room: string;
  /** Files and folders that it must read: the interpreter, certificates. */
  readonly readable: readonly string[];
}

/** Makes a command line of uv's arguments. */
export interface UvCommand {
  (args: readonly string[], cwd: string): { readonly command: string; readonly args: readonly string[] };
}

const PROBE_TIMEOUT_MS = 10_000;
const SYSTEM_FOLDERS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64"];
/** Name resolution and certificates. */
const SYSTEM_FILES = [
  "/etc/ssl",
  "/etc/pki",
  "/etc/ca-certificates",
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/nsswitch.conf",
  "/etc/host.conf",
  "/etc/gai.conf",
];

/**
 * Confines uv with bubblewrap: the network stays, the root is read-only, nothing of the user's home is there, and
 * only `room` can be written. A trial with the very arguments decides; where it fails, uv runs bare and
 * `unenforced` says why.
 */
export async function confineUv(
  confinement: UvConfinement,
  env: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<{ readonly command: UvCommand; readonly unenforced: string | undefined }> {
  const bare: UvCommand = (args) => ({ command: confinement.uv, args });
  const { bwrap } = confinement;
  if (bwrap === undefined) {
    return { command: bare, unenforced: "uv ran without a sandbox: there is no bubblewrap" };
  }
  const flags = await bwrapFlags(confinement);
  const boxed: UvCommand = (args, cwd) => ({
    command: bwrap,
    args: [...flags, "--chdir", cwd, "--", "/run/uv", ...args],
  });
  const trial = boxed(["--version"], confinement.room);
  const result = await runTool({ ...trial, env, cwd: "/", timeout_ms: PROBE_TIMEOUT_MS, signal });
  if (result.code === 0) return { command: boxed, unenforced: undefined };
  const reason = result.stderr.trim().split("\n")[0]?.slice(0, 300) ?? "";
  return {
    command: bare,
    unenforced: `uv ran without a sandbox: bubblewrap cannot start it here (${reason})`,
  };
}

// No --new-session: uv is in the process group of bubblewrap then, and dies with it however early it is killed.
async function bwrapFlags({ uv, room, readable }: UvConfinement): Promise<readonly string[]> {
  const flags = ["--unshare-all", "--share-net", "--cap-drop", "ALL", "--die-with-parent"];
  flags.push("--ro-bind", "/usr", "/usr");
  for (const folder of SYSTEM_FOLDERS) flags.push(...await systemFolder(folder));
  for (const path of SYSTEM_FILES) flags.push("--ro-bind-try", path, path);
  flags.push("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", uv, "/run/uv");
  const there = ["/usr", ...SYSTEM_FILES];
  for (const path of readable) {
    if (!there.some((known) => path === known || path.startsWith(`${known}/`))) {
      flags.push("--ro-bind", path, path);
    }
  }
  flags.push("--bind", room, room, "--remount-ro", "/");
  return flags;
}

async function systemFolder(path: string): Promise<readonly string[]> {
  try {
    return (await lstat(path)).isSymbolicLink()
      ? ["--symlink", await readlink(path), path]
      : ["--ro-bind", path, path];
  } catch {
    return [];
  }
}
