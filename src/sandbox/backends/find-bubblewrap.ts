import type { Obstacle } from "../canary/report.ts";
import { findExecutable } from "../files/find-executable.ts";

/** Where bubblewrap is, or undefined. A path from the user's settings is taken as it is: the canary tests it. */
export async function findBubblewrap(setting: string | undefined): Promise<string | undefined> {
  return setting ?? await findExecutable("bwrap");
}

/** The obstacle when there is none. */
export const NO_BUBBLEWRAP: Obstacle = {
  reason: "bubblewrap is not installed",
  fix: "install bubblewrap: apt-get install bubblewrap, or dnf install bubblewrap",
};

const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/ENOENT|EACCES/, NO_BUBBLEWRAP.fix],
  [/Unknown option/, "install bubblewrap 0.8 or later"],
  [
    /uid map/,
    "allow bwrap user namespaces in AppArmor: apt-get install apparmor-profiles, then load its bwrap-userns-restrict profile",
  ],
  [
    /mount proc|RTM_NEWADDR|pivot_root/,
    "give the container what bwrap needs: --security-opt seccomp=unconfined --security-opt systempaths=unconfined",
  ],
  [
    /namespace|clone|unshare/i,
    "allow user namespaces: sysctl -w user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1",
  ],
];

/** What helps against a bubblewrap that does not start, by what it said. */
export function explainBubblewrapFailure(failure: string): Obstacle {
  const fix = KNOWN.find(([pattern]) => pattern.test(failure))?.[1] ??
    "run bwrap by hand to see what it lacks";
  return { reason: `bubblewrap does not work here (${failure})`, fix };
}
