import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import type { SearchDocument, SearchMatch } from "../discovery/types.ts";
import { SKILL_STATUSES } from "../lifecycle/records/status.ts";
import type { SkillHealth, SkillInfo, SkillStatus } from "../lifecycle/types.ts";
import { modeAllows, TOOL_MODES, type ToolMode } from "./tool-mode.ts";
import type { Operation } from "./types.ts";

/** A skill that may do what was asked for, and why it was found. */
export interface FoundSkill extends SearchMatch {
  readonly name: string;
  readonly description: string;
  readonly status: SkillInfo["status"];
  readonly tools: SkillInfo["tools"];
  readonly default_tool: string;
  readonly health?: SkillHealth;
}

/** Answer of `search`. `more` says how many that passed the filters are not shown. */
export interface FoundSkills {
  readonly query: string;
  readonly matches: readonly FoundSkill[];
  readonly more: number;
  readonly mode: "hybrid" | "lexical";
  readonly degraded?: string;
}

const PERMISSIONS = ["network_access", "file_read", "file_write", "process_spawn"] as const;

/** What a search may be narrowed by: each that is given must hold. */
export interface SearchFilters {
  /** Also skills that are not active. Default false. */
  readonly all?: boolean | undefined;
  /** Default `active`. */
  readonly status?: SkillStatus | undefined;
  readonly type?: string | undefined;
  /** All of these. */
  readonly tags?: readonly string[] | undefined;
  /** Skills that ask for none but these; an empty list: for none. */
  readonly permissions?: readonly (typeof PERMISSIONS)[number][] | undefined;
  /** Skills that do no more: `read_only` compute and read, `read_write` also change files, `full` also reach out. */
  readonly tool_mode?: ToolMode | undefined;
}

/** Input of `search`. */
export interface SearchInput extends SearchFilters {
  readonly query: string;
  readonly limit: number;
  /** Nothing that is too far from the query. */
  readonly related_only: boolean;
}

/** Operation `search`. */
export const search: Operation<SearchInput, FoundSkills> = {
  name: "search",
  description: "Find skills by what they do",
  mode: "read_only",
  input: z.object({
    query: z.string().trim().min(1).max(4000),
    limit: z.int().min(1).max(50).default(5),
    related_only: z.boolean().default(false).describe("nothing that is too far from the query"),
    all: z.boolean().optional().describe("also skills that are not active"),
    status: z.enum(SKILL_STATUSES).optional(),
    type: z.string().max(64).optional(),
    tags: z.array(z.string().max(64)).max(20).optional().describe("only skills with all of these"),
    permissions: z.array(z.enum(PERMISSIONS)).optional().describe("only skills that ask for none but these"),
    tool_mode: z.enum(TOOL_MODES).optional().describe("only skills that do no more than this mode says"),
  }),
  async handler({ skills: { discovery, library } }, { query, limit, related_only, ...wanted }) {
    const filter = (document: SearchDocument): boolean => passes(document.facets, wanted);
    const answer = await discovery.search(query, { limit, filter, relatedOnly: related_only });
    const found = await Promise.all(answer.matches.map(async (match) => {
      const info = await library.info(match.id).catch(unlessGone);
      if (info === undefined) return [];
      const { name, description, status, tools, default_tool, health } = info;
      const known = health === undefined ? {} : { health };
      return [{ ...match, name, description, status, tools, default_tool, ...known }];
    }));
    return {
      query,
      matches: found.flat(),
      more: Math.max(0, (related_only ? answer.related : answer.total) - answer.matches.length),
      mode: answer.mode,
      ...(answer.degraded === undefined ? {} : { degraded: answer.degraded }),
    };
  },
};

function passes(facets: SearchDocument["facets"], wanted: SearchFilters): boolean {
  const { all, type, tags = [], permissions, tool_mode } = wanted;
  const status = wanted.status ?? (all === true ? undefined : "active");
  const has = (name: string): readonly string[] => {
    const value = facets[name];
    return Array.isArray(value) ? value : [];
  };
  return (status === undefined || facets["status"] === status) &&
    (type === undefined || facets["type"] === type) &&
    tags.every((tag) => has("tags").includes(tag)) &&
    (permissions === undefined ||
      has("permissions").every((name) => (permissions as readonly string[]).includes(name))) &&
    (tool_mode === undefined || modeAllows(tool_mode, facets["tool_mode"] as ToolMode));
}

/** A skill that went while it was searched for is not found. */
function unlessGone(error: unknown): undefined {
  if (SkillError.isInstance(error) && error.code === "not_found") return undefined;
  throw error;
}
