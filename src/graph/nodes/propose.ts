import { SkillError } from "../../base/errors.ts";
import type { SkillLibrary } from "../../lifecycle/skill-library.ts";
import type { SkillProposal } from "../../lifecycle/types.ts";
import type { GraphContext } from "../config.ts";
import type { StageWork } from "../stage-node.ts";
import type { SkillGraphState } from "../state.ts";

/** Records the tested package as a proposal. The same bytes for the same intent are proposed once. */
export const propose: StageWork = async (context, state) => {
  const { library } = context.skills;
  const fresh = toProposal(context, state);
  const waiting = await library.proposals({ status: "pending" });
  const known = waiting.find(({ digest, intent }) => digest === fresh.digest && intent === fresh.intent);
  const { id } = known ?? await library.propose(fresh);
  if (state.proposal_id !== null && state.proposal_id !== id) await replaced(library, state.proposal_id, id);
  return { proposal_id: id, edited: false, refused: null };
};

function toProposal(
  context: GraphContext,
  state: SkillGraphState,
): Omit<SkillProposal, "id" | "status" | "created_at"> {
  const { staged, checked, files } = state;
  if (staged === null || checked === null) throw new SkillError("not_found", "nothing was staged to propose");
  const { manifest, dependencies } = checked;
  return {
    intent: state.intent,
    skill_id: manifest.id,
    name: manifest.name,
    description: manifest.description,
    version: manifest.version,
    manifest_toml: files["manifest.toml"] ?? "",
    script_source: files[manifest.entry_file] ?? "",
    credentials: manifest.credentials,
    dependencies,
    staging_dir: staged.dir,
    digest: staged.digest,
    files,
    findings: state.findings,
    tests: state.tests,
    permissions: manifest.security.permissions,
    maker: context.maker,
    rounds: state.round,
  };
}

/** A proposal that was edited gives way to the edited one, so that only one of the two can be installed. */
async function replaced(library: SkillLibrary, old: string, by: string): Promise<void> {
  const { status, digest } = await library.proposal(old);
  if (status !== "pending") return;
  await library.decide(old, { approved: false, digest, reason: `replaced by proposal ${by}` });
}
