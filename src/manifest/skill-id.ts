const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/;

/** Tools that agents are given besides skills: no skill may pass for one. */
const BUILT_IN = ["find_skills", "run_skill", "create_skill"] as const;

/** What an id looks like. */
export const SKILL_ID: RegExp = /^[a-z][a-z0-9_-]{0,63}$/;

/** Why `id` can't be a skill's id; undefined when it can. */
export function skillIdProblem(id: string): string | undefined {
  if (!SKILL_ID.test(id)) {
    return "an id has 1 to 64 characters a-z, 0-9, _ and -, and starts with a letter";
  }
  if (DEVICE.test(id)) return "this name belongs to a device on some systems";
  const own = BUILT_IN.find((name) => looksLike(id, name));
  return own === undefined ? undefined : `it reads like the built-in tool ${own}`;
}

/** Whether two ids can be taken for one another by who reads them, a model too: `text-tools` and `text_tools`. */
export function looksLike(one: string, other: string): boolean {
  return lookOf(one) === lookOf(other);
}

function lookOf(id: string): string {
  const signs = id.replaceAll(/[-_]/g, "").replaceAll("0", "o").replaceAll("1", "l");
  return signs.replaceAll("rn", "m").replaceAll("vv", "w");
}

/** The id most like what was written, to suggest; undefined when nothing is left of it. */
export function suggestSkillId(text: string): string | undefined {
  const plain = text.slice(0, 200).normalize("NFKD").toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "_");
  const id = plain.replace(/^[^a-z]+/, "").slice(0, 64).replace(/[_-]+$/, "");
  return skillIdProblem(id) === undefined ? id : undefined;
}
