import type { ProcessInfo } from "../../runner/types.ts";
import { type Home, requireTrusted } from "../home/home.ts";
import { withServing } from "./run.ts";
import type { Serving } from "./serving.ts";

/** A process of a skill. */
export type SkillProcessInfo = Omit<ProcessInfo, "key">;

/** Starts a process of the generation that serves. @throws {SkillError} `not_active` */
export async function startProcess(home: Home, serving: Serving, id: string): Promise<SkillProcessInfo> {
  return await withServing(home, serving, id, async ({ program }) => shown(await home.runner.start(program)));
}

/** Ends the processes of a skill. The answer is what ran. @throws {SkillError} `not_found`, `untrusted_home` */
export async function stopProcesses(
  home: Home,
  serving: Serving,
  id: string,
): Promise<readonly SkillProcessInfo[]> {
  requireTrusted(home);
  home.view.get(id);
  const running = listProcesses(home).filter((one) => one.id === id);
  await serving.stopSkill(id);
  return running;
}

/** The processes of all skills. */
export function listProcesses({ runner }: Home): readonly SkillProcessInfo[] {
  return runner.list().map(shown);
}

/** The key is the runner's own. */
function shown({ key: _key, ...info }: ProcessInfo): SkillProcessInfo {
  return info;
}
