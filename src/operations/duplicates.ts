import { z } from "zod";
import type { DuplicatesAnswer } from "../discovery/types.ts";
import type { Operation } from "./types.ts";

/** Operation `duplicates`. */
export const duplicates: Operation<{ at_least: number; limit: number }, DuplicatesAnswer> = {
  name: "duplicates",
  description: "Pairs of skills that may do the same",
  mode: "read_only",
  input: z.object({
    at_least: z.number().min(0).max(1).default(0.9).describe("least cosine of two texts"),
    limit: z.int().min(1).max(1000).default(50),
  }),
  async handler({ skills }, { at_least, limit }): Promise<DuplicatesAnswer> {
    return await skills.discovery.duplicates({ atLeast: at_least, limit });
  },
};
