import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHost, type HostAnswer } from "../../src/host/host.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { scriptedMaker, writes } from "../graph/scripted-maker.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";
import type { SkillProposal } from "../../src/lifecycle/changes/proposals.ts";

// What generated skills may ask for is nothing by default.
const settings = {
  security: {
    generated_permissions: {
      network_access: ["example.org"],
      file_read: [],
      file_write: [],
      process_spawn: false,
    },
  },
};

let home: TemporarySkills;
beforeEach(async () => {
  home = await temporarySkills({ settings });
});
afterEach(() => home.close());

const listsAreEnforced = (await createSandbox().probe()).enforced.includes("network_allow_list");
const INTENT = "double a number";

function doubling(permissions = ""): Record<string, string> {
  return {
    "manifest.toml":
      `id = "double"\nname = "Double"\nversion = "1.0.0"\ndescription = "Doubles a number"\n${permissions}`,
    "skill.py":
      "# /// script\n# dependencies = []\n# ///\ndef invoke(number: int) -> int:\n    return 2 * number\n",
  };
}

const NETWORK = '[security.permissions]\nnetwork_access = ["example.org"]\n';

/** A host whose maker writes these files, once. */
function asking(files?: Readonly<Record<string, string>>) {
  const maker = files === undefined
    ? {}
    : { maker: { model: scriptedMaker(writes(files), "done"), name: "scripted" } };
  const host = createHost({ skills: home.skills, actor: { via: "host" }, ...maker });
  return async (payload: unknown, command = "skill.generate"): Promise<HostAnswer & { payload?: unknown }> =>
    await host.handle({ v: 1, request_id: "1", command, payload });
}

async function proposed(ask: ReturnType<typeof asking>): Promise<SkillProposal> {
  const { payload } = await ask({ intent: INTENT });
  expect(payload).toMatchObject({ outcome: "proposed" });
  return (payload as { proposal: SkillProposal }).proposal;
}

describe("skill.generate", () => {
  test("without confirm proposes and installs nothing; with it installs what was proposed", async () => {
    const ask = asking(doubling());
    const { digest, id } = await proposed(ask);
    expect(await home.skills.list()).toEqual([]);
    expect(await ask({ skill_id: "double" }, "skill.generate.status")).toMatchObject({
      payload: { status: "pending", proposal: { id } },
    });
    expect(await ask({ intent: INTENT, confirm: true })).toMatchObject({
      payload: { outcome: "installed", skill_info: { id: "double", status: "active" }, proposal: { digest } },
    });
    expect((await home.skills.run("double", { number: 21 })).value).toBe(42);
    expect(await ask({ skill_id: "double" }, "skill.generate.status")).toMatchObject({
      payload: { status: "installed" },
    });
    expect((await home.skills.search("double a number"))[0]?.id).toBe("double");
  });

  test("with a digest installs that proposal and no other", async () => {
    const ask = asking(doubling(NETWORK));
    const { digest } = await proposed(ask);
    expect(await ask({ intent: INTENT, confirm: true, digest: "0".repeat(64) })).toMatchObject({
      ok: false,
      error: { code: "not_found" },
    });
    expect(await home.skills.list()).toEqual([]);
    // without bubblewrap no list of hosts is enforced: then it is refused, and never run weaker
    expect(await ask({ intent: INTENT, confirm: true, digest })).toMatchObject(
      listsAreEnforced ? { payload: { outcome: "installed" } } : { error: { code: "sandbox_unavailable" } },
    );
  });

  test("with confirm and nothing pending installs at once only what asks for nothing", async () => {
    expect(await asking(doubling())({ intent: INTENT, confirm: true })).toMatchObject({
      payload: { outcome: "installed" },
    });
    const [entry] = (await home.skills.library.audit({ skill: "double" })).filter(({ action }) =>
      action === "approve"
    );
    expect(entry).toMatchObject({ via: "host" });
  });

  test.each([
    ["the network", NETWORK],
    ["secrets", '[[credentials]]\nname = "API_KEY"\ndescription = "A key"\n'],
  ])("with confirm and nothing pending asks first for what asks for %s", async (what, permissions) => {
    expect(await asking(doubling(permissions))({ intent: INTENT, confirm: true })).toMatchObject({
      payload: { outcome: "approval_needed", reason: `it asks for ${what}`, proposal: { status: "pending" } },
    });
    expect(await home.skills.list()).toEqual([]);
  });

  test("never installs a scaffold by itself", async () => {
    expect(await asking()({ intent: INTENT, confirm: true })).toMatchObject({
      payload: { outcome: "approval_needed", reason: "it is a scaffold that does nothing yet" },
    });
    expect(await home.skills.list()).toEqual([]);
  });

  test("refuses an empty intent, and tells of a skill that was never proposed", async () => {
    expect(await asking()({ intent: " " })).toMatchObject({ error: { code: "invalid_intent" } });
    expect(await asking()({ skill_id: "nobody" }, "skill.generate.status")).toMatchObject({
      error: { code: "not_found", message: 'no skill "nobody" was ever proposed' },
    });
  });
});
