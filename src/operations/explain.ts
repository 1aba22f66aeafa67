import { Buffer } from "node:buffer";
import { z } from "zod";
import type { SandboxPlan } from "../sandbox/types.ts";
import type { Operation } from "./types.ts";
import type { RunPlan } from "../lifecycle/serving/explain.ts";

/** Answer of `explain`: a plan as JSON can carry it. */
export interface ExplainAnswer extends Omit<RunPlan, "plan"> {
  readonly plan: Omit<SandboxPlan, "filter"> & {
    /** The filter of system calls that bubblewrap installs, base64. */
    readonly filter?: string;
  };
}

/** Operation `explain`. */
export const explain: Operation<{ id: string; tool?: string | undefined }, ExplainAnswer> = {
  name: "explain",
  description:
    "Say how a tool of a skill would be run: files, network, limits, environment, and what enforces them",
  mode: "read_only",
  input: z.object({ id: z.string().min(1), tool: z.string().optional() }),
  async handler({ skills }, { id, tool }): Promise<ExplainAnswer> {
    const { plan: { filter, ...plan }, ...answer } = await skills.library.explain(id, tool);
    return {
      ...answer,
      plan: { ...plan, ...(filter === undefined ? {} : { filter: Buffer.from(filter).toString("base64") }) },
    };
  },
};
