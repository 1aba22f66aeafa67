import { reachesNetwork } from "../manifest/network-access.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { GraphContext } from "./config.ts";
import { TEMPLATE_MAKER } from "./scaffold.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";

/** Who approves, in the audit, when the home's policy does. */
export const POLICY = "policy no_permissions";

/** Whether the home lets this proposal be installed without a person: off unless `generator.auto_approve` says so. */
export async function approvedByPolicy(
  { skills, config }: Pick<GraphContext, "skills" | "config">,
  proposal: SkillProposal,
): Promise<boolean> {
  if (config.auto_approve !== "no_permissions") return false;
  return await whyAsk(skills.library, proposal) === undefined;
}

/** Why only a person may approve a proposal; undefined when it is new, passed its tests and asks for nothing at all. */
export async function whyAsk(library: SkillLibrary, proposal: SkillProposal): Promise<string | undefined> {
  const { skill_id, permissions, credentials, dependencies, maker, tests, findings } = proposal;
  const { network_access, file_read, file_write, process_spawn } = permissions;
  if (reachesNetwork(network_access)) return "it asks for the network";
  if (file_read.length > 0 || file_write.length > 0) return "it asks for files";
  if (process_spawn) return "it asks to start processes";
  if (credentials.length > 0) return "it asks for secrets";
  if (dependencies.length > 0) return "it installs packages";
  if (maker === TEMPLATE_MAKER) return "it is a scaffold that does nothing yet";
  if (tests?.passed !== true) return "it was not tested";
  if (findings.some(({ severity }) => severity !== "hint")) {
    return "there are findings that somebody should read";
  }
  const existing = (await library.list()).find(({ id }) => id === skill_id);
  return existing === undefined ? undefined : `it takes the place of version ${existing.version}`;
}
