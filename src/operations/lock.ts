import { z } from "zod";
import type { SkillInfo } from "../lifecycle/types.ts";
import type { Operation } from "./types.ts";
import type { SkillsLock } from "../lifecycle/dependencies/lock.ts";

/** Answer of `install_locked`. */
export interface LockedAnswer {
  /** All that the lock names, in the order in which they need one another. */
  readonly skills: readonly SkillInfo[];
  /** Ids of those that were installed just now. */
  readonly installed: readonly string[];
}

/** Operation `lock`. */
export const lock: Operation<Record<string, never>, SkillsLock> = {
  name: "lock",
  description: "Write skills.lock: what serves in the home, with digests, needs and Python packages",
  mode: "full",
  input: z.object({}),
  async handler({ skills }): Promise<SkillsLock> {
    return await skills.library.lock();
  },
};

/** Operation `install_locked`. `activate` lets those serve again that served when the lock was written. */
export const installLocked: Operation<{ activate: boolean; offline: boolean }, LockedAnswer> = {
  name: "install_locked",
  description: "Install exactly what skills.lock names",
  mode: "full",
  input: z.object({ activate: z.boolean().default(false), offline: z.boolean().default(false) }),
  async handler(
    { skills: { library }, actor, signal, onEvent },
    { activate, offline },
  ): Promise<LockedAnswer> {
    const common = { actor, ...(signal === undefined ? {} : { signal }) };
    const { installed, locked } = await library.installLocked({
      ...common,
      offline,
      onStage: (detail) => onEvent?.({ kind: "stage", stage: "install", status: "started", detail }),
    });
    const serve = activate ? locked.filter(({ serves }) => serves) : [];
    for (const { id } of serve) await library.activate(id, common);
    return {
      skills: await Promise.all(locked.map(({ id }) => library.info(id))),
      installed: installed.map(({ id }) => id),
    };
  },
};
