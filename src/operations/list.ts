import { z } from "zod";
import { SKILL_STATUSES } from "../lifecycle/status.ts";
import type { SkillInfo, SkillStatus } from "../lifecycle/types.ts";
import type { Operation } from "./types.ts";

/** Answer of `list`. */
export interface SkillList {
  readonly skills: readonly SkillInfo[];
}

/** Operation `list`. */
export const list: Operation<{ status?: SkillStatus | undefined }, SkillList> = {
  name: "list",
  description: "List all skills of the home",
  mode: "read_only",
  input: z.object({ status: z.enum(SKILL_STATUSES).optional() }),
  async handler({ skills }, { status }): Promise<SkillList> {
    const all = await skills.library.list();
    return { skills: status === undefined ? all : all.filter((info) => info.status === status) };
  },
};
