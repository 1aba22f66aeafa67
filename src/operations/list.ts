import { z } from "zod";
import { SKILL_STATUSES } from "../lifecycle/records/status.ts";
import type { SkillStatus } from "../lifecycle/types.ts";
import { listSkills, type SkillList } from "./list-skills.ts";
import type { Operation } from "./types.ts";

/** Operation `list`. */
export const list: Operation<{ status?: SkillStatus | undefined }, SkillList> = {
  name: "list",
  description: "List all skills of the home",
  mode: "read_only",
  input: z.object({ status: z.enum(SKILL_STATUSES).optional() }),
  handler: ({ skills }, { status }) => listSkills(skills.library, status),
};
