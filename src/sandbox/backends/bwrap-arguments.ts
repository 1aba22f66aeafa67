import type { Layout } from "../files/lay-out.ts";
import { isWithin } from "../files/paths.ts";
import { systemFiles, systemFolders } from "../files/system-folders.ts";
import type { NetworkPlan } from "../network/plan-network.ts";
import type { SandboxPolicy, SandboxProgram } from "../types.ts";

/** Where a confined program works: a tmpfs, with the scratch folder's `in` and `out` mounted on it. */
export const WORKDIR = "/tmp";
/** The name of the machine, as a confined program sees it. */
export const HOSTNAME = "skill";
const SHM_BYTES = 16 << 20;

/** What `bwrapArguments` puts into words. */
export interface BwrapOptions {
  readonly policy: SandboxPolicy;
  readonly program: SandboxProgram;
  readonly layout: Layout;
  readonly env: Readonly<Record<string, string>>;
  readonly network?: NetworkPlan | undefined;
  /** Absolute path of the bootstrap. */
  readonly boot: string;
}

/** The command line of bubblewrap. The filter of system calls is expected on descriptor 3. */
export function bwrapArguments({ policy, program, layout, env, network, boot }: BwrapOptions): string[] {
  return [
    ...isolation(),
    ...environment(env),
    ...mounts(policy, program, layout, network),
    ...option("--chdir", WORKDIR),
    ...option("--seccomp", "3"),
    // Without children nobody has to reap, and no unfiltered process is left inside.
    ...(policy.spawn ? [] : ["--as-pid-1"]),
    ...option("--", program.interpreter, "-I", "-S", boot),
  ];
}

/** Namespaces of everything, no way to new ones, no capability, and death with the host. */
function isolation(): string[] {
  return [
    "--unshare-user",
    "--unshare-all",
    "--disable-userns",
    ...option("--cap-drop", "ALL"),
    "--die-with-parent",
    "--new-session",
    ...option("--hostname", HOSTNAME),
  ];
}

function environment(env: Readonly<Record<string, string>>): string[] {
  return ["--clearenv", ...Object.entries(env).flatMap(([name, value]) => option("--setenv", name, value))];
}

/** The order matters: a mount hides what was mounted below it before, and all is done before anything untrusted runs. */
function mounts(
  policy: SandboxPolicy,
  program: SandboxProgram,
  layout: Layout,
  network: NetworkPlan | undefined,
): string[] {
  const system = systemFolders();
  const isSystem = (path: string) =>
    system.some((folder) => folder.kind === "folder" && isWithin(path, folder.path));
  const tmpfs = (bytes: number, path: string) => option("--size", String(Math.floor(bytes)), "--tmpfs", path);
  const same = (flag: string, path: string) => option(flag, path, path);
  return [
    ...system.flatMap((folder) =>
      folder.kind === "link"
        ? option("--symlink", folder.target, folder.path)
        : same("--ro-bind", folder.path)
    ),
    ...systemFiles().flatMap((path) => same("--ro-bind", path)),
    ...option("--proc", "/proc"),
    // Memory that no limit of a process counts, so each tmpfs gets a size or is made read-only.
    ...option("--dev", "/dev"),
    ...tmpfs(SHM_BYTES, "/dev/shm"),
    ...option("--remount-ro", "/dev"),
    ...tmpfs(policy.limits.scratch_mb * (1 << 20), WORKDIR),
    ...layout.read.filter((path) => !isSystem(path)).flatMap((path) => same("--ro-bind", path)),
    ...layout.write.flatMap((path) => same("--bind", path)),
    ...option("--ro-bind", `${program.scratch}/in`, `${WORKDIR}/in`),
    ...option("--bind", `${program.scratch}/out`, `${WORKDIR}/out`),
    ...(network === undefined ? [] : [
      ...network.read.flatMap((path) => same("--ro-bind", path)),
      ...option("--ro-bind", ...network.mount),
    ]),
    ...option("--remount-ro", "/"),
  ];
}

/** A flag with its values. */
function option(...words: string[]): string[] {
  return words;
}
