import { z } from "zod";
import type { Operation } from "./types.ts";
import type { SkillProcessInfo } from "../lifecycle/serving/processes.ts";

const id = z.string().min(1);

/** Operation `start_process`. */
export const startProcess: Operation<{ id: string }, { process: SkillProcessInfo }> = {
  name: "start_process",
  description: "Start the daemon of a skill that serves, so that its next call finds it ready",
  mode: "full",
  input: z.object({ id }),
  async handler({ skills }, input): Promise<{ process: SkillProcessInfo }> {
    return { process: await skills.library.startProcess(input.id) };
  },
};

/** Operation `stop_processes`. */
export const stopProcesses: Operation<{ id: string }, { stopped: readonly SkillProcessInfo[] }> = {
  name: "stop_processes",
  description: "End the processes of a skill; calls on them end with an error",
  mode: "full",
  input: z.object({ id }),
  async handler({ skills }, input): Promise<{ stopped: readonly SkillProcessInfo[] }> {
    return { stopped: await skills.library.stopProcesses(input.id) };
  },
};

/** Operation `list_processes`. */
export const listProcesses: Operation<
  { id?: string | undefined },
  { processes: readonly SkillProcessInfo[] }
> = {
  name: "list_processes",
  description: "List the processes that this host runs skills in",
  mode: "read_only",
  input: z.object({ id: id.optional() }),
  handler({ skills }, input): Promise<{ processes: readonly SkillProcessInfo[] }> {
    const all = skills.library.processes();
    return Promise.resolve({ processes: all.filter((one) => input.id === undefined || one.id === input.id) });
  },
};
