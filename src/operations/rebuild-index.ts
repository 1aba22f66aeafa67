import { z } from "zod";
import type { Operation } from "./types.ts";

/** Answer of `rebuild_index`. */
export interface RebuiltIndex {
  /** How many skills can be found now. */
  readonly skills: number;
  readonly mode: "hybrid" | "lexical";
  readonly degraded?: string;
}

/** Operation `rebuild_index`. */
export const rebuildIndex: Operation<Record<string, never>, RebuiltIndex> = {
  name: "rebuild_index",
  description: "Throw the search index away and make it again",
  mode: "read_write",
  input: z.object({}),
  async handler({ skills: { discovery } }): Promise<RebuiltIndex> {
    await discovery.rebuild();
    const { total, mode, degraded } = await discovery.search("", { limit: 1 });
    return { skills: total, mode, ...(degraded === undefined ? {} : { degraded }) };
  },
};
