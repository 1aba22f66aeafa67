import { randomUUID } from "node:crypto";
import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { findBubblewrap, NO_BUBBLEWRAP } from "../../sandbox/backends/find-bubblewrap.ts";
import type { FilterArch } from "../../sandbox/seccomp/syscalls.ts";
import { type IndexHosts, NO_HOSTS } from "../index/index-hosts.ts";
import { userProxy, withoutProxy } from "../index/user-proxy.ts";
import type { ToolResult } from "../toolchain/run-tool.ts";
import { HostScout } from "./host-scout.ts";
import {
  barePlan,
  bubblewrapPlan,
  confinableArch,
  type InstallPlan,
  type InstallRoom,
  landlockPlan,
} from "./install-plan.ts";
import type { ConfinedUv, OtherProgram, UvNeeds } from "./uv-confinement.ts";
import { UvSession } from "./uv-session.ts";

const TRIAL_MS = 10_000;
const NOT_BY_LANDLOCK =
  "network (any host can be reached), modes and times of the user's other files (they can be changed)";

/**
 * Starts a session for uv: in bubblewrap with the package index as its only network, else limited by Landlock to its
 * cache and stage, else bare. Each is tried by running uv in it; what is weaker than bubblewrap says so in `unenforced`.
 *
 * @throws {SkillError} `cancelled`; `sandbox_unavailable` in a worker thread
 */
export async function openUv(needs: UvNeeds): Promise<ConfinedUv> {
  const reasons: string[] = [];
  const arch = confinableArch();
  if (arch === undefined) reasons.push("programs are confined on Linux for x64 and arm64 only");
  else {
    const boxed = await openOrExplain(() => inBubblewrap(needs, arch), reasons);
    if (boxed !== undefined) return boxed;
    const unenforced = `uv ran without bubblewrap (${reasons.join("; ")}); not enforced: ${NOT_BY_LANDLOCK}`;
    const limited = () => openIn(needs, "landlock", (room) => landlockPlan(arch, room), unenforced);
    const limitedUv = await openOrExplain(limited, reasons);
    if (limitedUv !== undefined) return limitedUv;
  }
  const unenforced = `uv ran without a sandbox (${reasons.join("; ")}); not enforced: files, network`;
  return await openIn(needs, "nothing", barePlan, unenforced);
}

/** Asks the index once more where it keeps files. Answers whether there was news. */
export async function learnAgain(needs: UvNeeds): Promise<boolean> {
  const [arch, bwrap] = [confinableArch(), await findBubblewrap(needs.bwrap)];
  if (arch === undefined || bwrap === undefined || needs.offline || needs.backend === "landlock") {
    return false;
  }
  return await new HostScout(needs, (hosts) => boxed(needs, bwrap, arch, hosts)).look();
}

async function inBubblewrap(needs: UvNeeds, arch: FilterArch): Promise<ConfinedUv> {
  if (needs.backend === "landlock") throw new TypeError("Landlock was asked for");
  const bwrap = await findBubblewrap(needs.bwrap);
  if (bwrap === undefined) throw new TypeError(NO_BUBBLEWRAP.reason);
  const open = (hosts: IndexHosts): Promise<ConfinedUv> => boxed(needs, bwrap, arch, hosts);
  return await open(needs.offline ? NO_HOSTS : await new HostScout(needs, open).hosts());
}

function boxed(needs: UvNeeds, bwrap: string, arch: FilterArch, hosts: IndexHosts): Promise<ConfinedUv> {
  const upstream = userProxy(needs.env);
  const network = { ...hosts, ...(upstream === undefined ? {} : { upstream }) };
  return openIn(needs, "bubblewrap", (room) => bubblewrapPlan(bwrap, arch, room, network), undefined);
}

async function openIn(
  needs: UvNeeds,
  by: ConfinedUv["by"],
  plan: (room: InstallRoom) => InstallPlan | Promise<InstallPlan>,
  unenforced: string | undefined,
): Promise<ConfinedUv> {
  const { python, room, files, uv, signal } = needs;
  const folder = join(needs.scratch, randomUUID());
  for (const name of ["in", "out"]) await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
  const scratch = await realpath(folder);
  try {
    const { sandbox, proxy } = await plan({ python, room, readable: [uv.path, ...files], scratch });
    const env = proxy === undefined ? needs.env : { ...withoutProxy(needs.env), ...proxy };
    const session = new RunningUv(await UvSession.open(sandbox, signal), needs, env, scratch, by, unenforced);
    await session.tryOut();
    return session;
  } catch (error) {
    await rm(scratch, { recursive: true, force: true });
    throw error;
  }
}

class RunningUv implements ConfinedUv {
  readonly by: ConfinedUv["by"];
  readonly unenforced: string | undefined;
  readonly #session: UvSession;
  readonly #needs: UvNeeds;
  readonly #env: Readonly<Record<string, string>>;
  readonly #scratch: string;

  constructor(
    session: UvSession,
    needs: UvNeeds,
    env: Readonly<Record<string, string>>,
    scratch: string,
    by: ConfinedUv["by"],
    unenforced: string | undefined,
  ) {
    this.by = by;
    this.unenforced = unenforced;
    this.#session = session;
    this.#needs = needs;
    this.#env = env;
    this.#scratch = scratch;
  }

  run(args: readonly string[], cwd: string, timeout_ms: number, other?: OtherProgram): Promise<ToolResult> {
    const { uv, signal } = this.#needs;
    const env = { ...this.#env, TMPDIR: cwd, ...other?.env };
    return this.#session.run({ program: other?.program ?? uv.path, args, env, cwd, timeout_ms, signal });
  }

  /** Closes the session when uv does not start in it. */
  async tryOut(): Promise<void> {
    try {
      const { code, stderr } = await this.run(["--version"], this.#needs.room, TRIAL_MS);
      if (code !== 0) {
        throw new SkillError("start_failed", `uv does not start in it: ${stderr.trim().slice(0, 300)}`);
      }
    } catch (error) {
      await this.#session.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#session.close();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}

async function openOrExplain(
  open: () => Promise<ConfinedUv>,
  reasons: string[],
): Promise<ConfinedUv | undefined> {
  try {
    return await open();
  } catch (error) {
    const { code, message } = SkillError.from(error, "start_failed", "it does not start");
    if (code === "cancelled" || code === "sandbox_unavailable") throw error;
    reasons.push(error instanceof TypeError ? error.message : message);
    return undefined;
  }
}
