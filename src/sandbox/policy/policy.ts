import { SkillError } from "../../base/errors.ts";
import { lstat, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, normalize } from "node:path";
import { reachesNetwork } from "../../manifest/network-access.ts";
import type { Permissions } from "../../manifest/types.ts";
import { isWithin } from "../files/paths.ts";
import type { SandboxPolicy } from "../types.ts";

/** What the host lets any skill ask for. A manifest can narrow it, never widen it. */
export interface HostPolicy {
  /** Absolute folders below which a skill may be granted something, or `any`. */
  readonly file_read: readonly string[] | "any";
  readonly file_write: readonly string[] | "any";
  readonly network_access: boolean | readonly string[];
  readonly process_spawn: boolean;
}

/** Everything may be asked for: what is granted, a person decides at the approval. */
export const OPEN_HOST_POLICY: HostPolicy = {
  file_read: "any",
  file_write: "any",
  network_access: true,
  process_spawn: true,
};

/** What a manifest's permissions are measured against. */
export interface GrantContext {
  /** Where `./` points. */
  readonly packageDir: string;
  readonly host: HostPolicy;
  /** Folders of which no part is ever granted: the home with all skills and secrets. */
  readonly forbidden: readonly string[];
  /** Folders that other skills may write: what they plant there must not steer a grant. */
  readonly writableByOthers: readonly string[];
}

/** A policy's part that comes from permissions. */
export type Grants = Pick<SandboxPolicy, "read" | "write" | "network" | "spawn">;

type Access = "file_read" | "file_write";

/** The kernel's and the services' own: sockets, devices, other processes. */
const NEVER = ["/proc", "/sys", "/dev", "/run", "/var/run", "/boot"];
/** The system's files: readable for every program where they are needed, writable for none. */
const NEVER_WRITTEN = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/etc",
  "/opt",
  "/var/lib",
];
/** What a program finds at this path is its scratch folder. */
const SCRATCH = "/tmp";

/**
 * Turns a manifest's permissions into grants of real paths. A program's own package is readable and its scratch
 * folder writable without a grant, so `./…` to read and `/tmp` give none.
 *
 * @throws {SkillError} `permission_refused`, naming the permission, the path and what would be accepted.
 */
export async function resolveGrants(permissions: Permissions, context: GrantContext): Promise<Grants> {
  const write = await resolvePaths("file_write", permissions.file_write, context);
  const read = await resolvePaths("file_read", permissions.file_read, context);
  checkNetwork(permissions.network_access, context.host.network_access);
  if (permissions.process_spawn && !context.host.process_spawn) {
    throw refusal(
      "process_spawn",
      "true",
      "the host lets no skill start processes",
      "set process_spawn = false",
    );
  }
  return { read, write, network: permissions.network_access, spawn: permissions.process_spawn };
}

/** Whether a path is more than a program has anyway: its package to read, its scratch folder. */
export function needsGrant(path: string): boolean {
  return isAbsolute(path) && !isWithin(normalize(path), SCRATCH);
}

async function resolvePaths(
  access: Access,
  paths: readonly string[],
  context: GrantContext,
): Promise<string[]> {
  const granted: string[] = [];
  for (const path of paths) {
    if (isOwn(access, path, context)) continue;
    granted.push(await checkGrant(access, path, context));
  }
  return [...new Set(granted)].sort();
}

/** Whether a path needs no grant. Refuses those that are neither absolute nor below the package. */
function isOwn(access: Access, path: string, { packageDir }: GrantContext): boolean {
  const refuse = (reason: string, fix: string) => refusal(access, path, reason, fix);
  if (path.includes("\0") || path === "") {
    throw refuse("it is not a path", "write an absolute path, or one below ./");
  }
  if (isAbsolute(path)) return isWithin(normalize(path), SCRATCH);
  if (path !== "." && !path.startsWith("./")) {
    throw refuse("it is relative to nothing", "write ./name for the package, or an absolute path");
  }
  if (!isWithin(join(packageDir, path).replace(/\/$/, ""), packageDir)) {
    throw refuse("it leaves the package", "write an absolute path");
  }
  if (access === "file_write") {
    throw refuse(
      "an installed package never changes",
      "write to ./out of the working directory, or to a granted folder",
    );
  }
  return true;
}

async function checkGrant(access: Access, path: string, context: GrantContext): Promise<string> {
  const refuse = (reason: string, fix: string) => refusal(access, path, reason, fix);
  const plain = normalize(path).replace(/(?<=.)\/$/, "");
  const real = await realpath(plain).catch(() => undefined);
  if (real === undefined) throw refuse("it does not exist", "create it first");
  if (real !== plain) throw refuse(`it leads to "${real}"`, `grant "${real}", if that is what you mean`);
  const kind = await lstat(real);
  if (!kind.isDirectory() && !kind.isFile()) {
    throw refuse("it is neither a file nor a folder", "grant its contents");
  }
  const reason = await forbiddenReason(access, real, context);
  if (reason !== undefined) throw refuse(reason, "grant a folder that holds just what the skill needs");
  const allowed = context.host[access];
  if (allowed !== "any" && !allowed.some((folder) => isWithin(real, folder))) {
    throw refuse(
      "the host's policy does not allow it",
      allowed.length === 0 ? `ask for no ${access}` : `choose a folder below ${allowed.join(", ")}`,
    );
  }
  return real;
}

async function forbiddenReason(
  access: Access,
  path: string,
  context: GrantContext,
): Promise<string | undefined> {
  const userHome = await realpath(homedir()).catch(() => homedir());
  if (isWithin(userHome, path)) return "it holds everything of the user";
  const system = access === "file_write" ? [...NEVER, ...NEVER_WRITTEN] : NEVER;
  const part = system.find((folder) => isWithin(path, folder) || isWithin(folder, path));
  if (part !== undefined) return `"${part}" belongs to the system`;
  const own = context.forbidden.find((folder) => isWithin(path, folder) || isWithin(folder, path));
  if (own !== undefined) return `"${own}" holds skills and secrets`;
  const foreign = context.writableByOthers.find((folder) => path !== folder && isWithin(path, folder));
  return foreign === undefined ? undefined : `another skill can change what "${foreign}" leads to`;
}

function checkNetwork(asked: boolean | readonly string[], allowed: boolean | readonly string[]): void {
  if (asked === false || allowed === true || !reachesNetwork(asked)) return;
  const list = Array.isArray(allowed) ? allowed as readonly string[] : [];
  const first = asked === true ? "true" : asked.find((host) => !list.includes(host));
  if (first === undefined) return;
  throw refusal(
    "network_access",
    first,
    "the host's policy does not allow it",
    list.length === 0 ? "set network_access = false" : `choose among ${list.join(", ")}`,
  );
}

function refusal(permission: keyof Permissions, value: string, reason: string, fix: string): SkillError {
  return new SkillError("permission_refused", `${permission} "${value}" is refused: ${reason}`, {
    fix,
    details: { permission, value },
  });
}
