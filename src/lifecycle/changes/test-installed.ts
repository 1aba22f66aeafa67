import type { Home } from "../home/home.ts";
import { skillInfo } from "../records/skill-record.ts";
import { testSkill } from "../testing/testing.ts";
import type { SkillInfo } from "../types.ts";
import type { InstallOptions } from "./install.ts";

/** Tests what was just installed, where that was asked for. The answer is how it stands then. */
export async function testInstalled(
  home: Home,
  info: SkillInfo,
  { test = false, actor, signal, onStage }: InstallOptions,
): Promise<SkillInfo> {
  if (!test) return info;
  onStage?.("test");
  await testSkill(home, info.id, {
    ...(actor === undefined ? {} : { actor }),
    ...(signal === undefined ? {} : { signal }),
  });
  const record = home.view.get(info.id);
  const { candidate } = info;
  return skillInfo(
    record,
    record.generations.find(({ digest, slot }) => digest === candidate?.digest && slot === candidate.slot),
  );
}
