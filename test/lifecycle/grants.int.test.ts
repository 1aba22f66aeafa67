import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSkills } from "../../src/skills.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { type TestHome, testHome } from "./support/open-home.ts";

const { usable } = await createSandbox().probe();

function reader(path: string, permissions = ""): Record<string, string> {
  return {
    "manifest.toml":
      `id = "reader"\nname = "Reader"\nversion = "1.0.0"\ndescription = "Reads one file of a folder"\nmode = "one_shot"\n${permissions}`,
    "skill.py": `def invoke() -> str:\n    with open("${path}") as file:\n        return file.read()\n`,
  };
}

describe.skipIf(!usable)("grants of an installed skill", () => {
  let home: TestHome, data: string;
  const most = (folder: string) => ({
    max_permissions: { network_access: false, file_read: [folder], file_write: [], process_spawn: false },
  });

  beforeEach(() => {
    // A process that runs already keeps what it was granted, which is still what was looked at.
    home = testHome({ spares: 0 });
    // Not below /tmp, which stands for the scratch folder in a manifest.
    data = realpathSync(mkdtempSync("/var/tmp/skillwright-grants-"));
    writeFileSync(join(data, "file"), "granted");
  });
  afterEach(async () => {
    await home.close();
    for (const folder of [data, `${data}-old`]) rmSync(folder, { recursive: true, force: true });
  });

  it("are looked at again before each run: a path that became a link is refused", async () => {
    const library = await home.open({ settings: { security: most(data) } });
    const permissions = `[security.permissions]\nfile_read = ["${data}"]\n`;
    await library.install(home.write("r", reader(`${data}/file`, permissions)));
    await library.activate("reader");
    expect((await library.run("reader", {})).value).toBe("granted");
    const elsewhere = join(home.folder, "elsewhere");
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "file"), "secret");
    renameSync(data, `${data}-old`);
    symlinkSync(elsewhere, data);
    await expect(library.run("reader", {})).rejects.toMatchObject({
      code: "permission_refused",
      message: expect.stringContaining(`leads to "${elsewhere}"`) as unknown,
    });
    rmSync(data);
    await expect(library.run("reader", {})).rejects.toMatchObject({ code: "permission_refused" });
    renameSync(`${data}-old`, data);
    expect((await library.run("reader", {})).value).toBe("granted");
  });

  it("include what the home gives to every skill", async () => {
    const plain = await home.open({ settings: { security: most(data) } });
    await plain.install(home.write("r", reader(`${data}/file`)));
    await plain.activate("reader");
    await expect(plain.run("reader", {})).rejects.toMatchObject({ code: "tool_failed" });
    await plain.close();
    const default_permissions = { ...most(data).max_permissions, file_read: [data] };
    const generous = await home.open({ settings: { security: { ...most(data), default_permissions } } });
    expect((await generous.run("reader", {})).value).toBe("granted");
  });
});

describe("the switch of the sandbox", () => {
  it("is the host's own, shows in every result, and contradicts no sandbox that is asked for", async () => {
    const dir = mkdtempSync("/var/tmp/skillwright-switch-");
    try {
      const settings = { security: { sandbox_enabled: false } };
      await expect(openSkills({ dir: join(dir, "home"), settings, sandbox: "bubblewrap" })).rejects
        .toMatchObject({ code: "invalid_input" });
      await using off = await openSkills({ dir: join(dir, "home"), settings, embeddings: "none" });
      expect(off.sandbox.name).toBe("unsafe-none");
      expect((await off.sandbox.probe()).enforced).toEqual([]);
      await using on = await openSkills({ dir: join(dir, "other"), embeddings: "none" });
      expect(on.sandbox.name).toBe("auto");
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
