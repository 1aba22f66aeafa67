import { z } from "zod";
import type { SearchDocument, SearchMatch } from "../discovery/types.ts";
import type { SkillInfo, SkillStatus } from "../lifecycle/types.ts";
import type { Operation } from "./types.ts";

/** A skill that may do what was asked for, and why it was found. */
export interface FoundSkill extends SearchMatch {
  readonly name: string;
  readonly description: string;
  readonly status: SkillInfo["status"];
  readonly tools: SkillInfo["tools"];
  readonly default_tool: string;
}

/** Answer of `search`. `more` says how many that passed the filter are not shown. */
export interface FoundSkills {
  readonly query: string;
  readonly matches: readonly FoundSkill[];
  readonly more: number;
  readonly mode: "hybrid" | "lexical";
  readonly degraded?: string;
}

/** Answer of `list`. */
export interface SkillList {
  readonly skills: readonly SkillInfo[];
}

/** Operation `search`. */
export const search: Operation<{ query: string; limit: number; all: boolean }, FoundSkills> = {
  name: "search",
  description: "Find skills by what they do",
  mode: "read_only",
  input: z.object({
    query: z.string().trim().min(1).max(4000),
    limit: z.int().min(1).max(50).default(5),
    all: z.boolean().default(false).describe("also skills that are not active"),
  }),
  async handler({ skills }, { query, limit, all }): Promise<FoundSkills> {
    const runnable = (document: SearchDocument): boolean => document.facets["status"] === "active";
    const answer = await skills.discovery.search(query, { limit, ...(all ? {} : { filter: runnable }) });
    const infos = new Map((await skills.library.list()).map((info) => [info.id, info]));
    const matches = answer.matches.flatMap((match) => {
      const info = infos.get(match.id);
      if (info === undefined) return [];
      const { name, description, status, tools, default_tool } = info;
      return [{ ...match, name, description, status, tools, default_tool }];
    });
    return {
      query,
      matches,
      more: Math.max(0, answer.total - matches.length),
      mode: answer.mode,
      ...(answer.degraded === undefined ? {} : { degraded: answer.degraded }),
    };
  },
};

/** Operation `list`. */
export const list: Operation<{ status?: SkillStatus | undefined }, SkillList> = {
  name: "list",
  description: "List all skills of the home",
  mode: "read_only",
  input: z.object({ status: z.enum(["pending", "testing", "active", "disabled", "quarantined"]).optional() }),
  async handler({ skills }, { status }): Promise<SkillList> {
    const all = await skills.library.list();
    return { skills: status === undefined ? all : all.filter((info) => info.status === status) };
  },
};
