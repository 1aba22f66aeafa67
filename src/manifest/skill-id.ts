const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/;

/** What an id looks like. */
export const SKILL_ID: RegExp = /^[a-z][a-z0-9_-]{0,63}$/;

/** Why `id` can't be a skill's id; undefined when it can. */
export function skillIdProblem(id: string): string | undefined {
  if (!SKILL_ID.test(id)) {
    return "an id has 1 to 64 characters a-z, 0-9, _ and -, and starts with a letter";
  }
  return DEVICE.test(id) ? "this name belongs to a device on some systems" : undefined;
}

/** The id most like what was written, to suggest; undefined when nothing is left of it. */
export function suggestSkillId(text: string): string | undefined {
  const plain = text.slice(0, 200).normalize("NFKD").toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "_");
  const id = plain.replace(/^[^a-z]+/, "").slice(0, 64).replace(/[_-]+$/, "");
  return skillIdProblem(id) === undefined ? id : undefined;
}
