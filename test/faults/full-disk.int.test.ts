import { chmodSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkillError } from "../../src/base/errors.ts";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import { homeContents } from "../lifecycle/support/home-contents.ts";
import { romanSkill, type TestHome, testHome } from "../lifecycle/support/open-home.ts";
import { type SmallDisk, smallDisk, withoutSmallDisk } from "./small-disk.ts";

const KB = 1024;
const without = withoutSmallDisk();

let home: TestHome;
beforeEach(() => void (home = testHome()));
afterEach(() => home.close());

/** A home in which version 1.0.0 serves; the packages of what is to come lie beside it. */
async function serving(dir: string): Promise<OpenedLibrary> {
  const library = await home.open({ dir });
  await library.install(home.write("v1", romanSkill("1.0.0")));
  await library.activate("roman");
  home.write("v2", romanSkill("2.0.0", { "data/large.txt": "x".repeat(100 * KB) }));
  return library;
}

/** The code of what an act threw; `done` when it threw nothing. What has no code is thrown on. */
async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "done";
  } catch (error) {
    if (SkillError.isInstance(error)) return error.code;
    throw error;
  }
}

function stateOf(dir: string): Record<string, string> {
  const all = Object.entries(homeContents(dir)).filter(([path]) => !path.startsWith(".state/snapshots/"));
  return Object.fromEntries(all);
}

describe.skipIf(without)(`a full disk${without === undefined ? "" : ` (skipped: ${without})`}`, () => {
  let disk: SmallDisk;
  beforeEach(() => void (disk = smallDisk(8 << 20)));
  afterEach(async () => {
    await home.close();
    disk[Symbol.dispose]();
  });

  it("gives a typed error that says what to do, and the old state is intact", async () => {
    const dir = join(disk.dir, "home"), library = await serving(dir), before = stateOf(dir);
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      install: () => library.install(join(home.folder, "v2")),
      "secrets set": () => library.secrets.set({ name: "KEY", value: "v".repeat(12 * KB) }),
    };
    for (const [name, change] of Object.entries(changes)) {
      for (const room of [0, 8 * KB]) {
        disk.leave(room);
        expect({ name, room, code: await codeOf(change) }).toEqual({ name, room, code: "home_unusable" });
        expect({ name, room, state: stateOf(dir) }).toEqual({ name, room, state: before });
        expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("1.0.0");
        disk.clear();
        expect(await library.check()).toEqual([]);
      }
    }
    // control: the same goes through when there is room
    for (const change of Object.values(changes)) expect(await codeOf(change)).toBe("done");
  });

  it("that is read-only gives a typed error, and the old state is intact", async () => {
    const dir = join(disk.dir, "home"), library = await serving(dir), before = stateOf(dir);
    await library.close();
    disk.setReadOnly(true);
    const opening = home.open({ dir });
    const code = await codeOf(async () => await (await opening).disable("roman"));
    disk.setReadOnly(false);
    expect([code, stateOf(dir)]).toEqual(["home_unusable", before]);
    expect(await codeOf(async () => await (await home.open({ dir })).disable("roman"))).toBe("done");
  });
});

describe.skipIf(process.getuid?.() === 0)(
  "a folder without the right to write (skipped for root, who has it)",
  () => {
    it("gives a typed error, and the old state is intact", async () => {
      const library = await serving(home.dir), before = stateOf(home.dir);
      for (const folder of [".state/staging", ".runtime/roman/builds"]) {
        chmodSync(join(home.dir, folder), 0o500);
        const code = await codeOf(() => library.install(join(home.folder, "v2")));
        chmodSync(join(home.dir, folder), 0o700);
        expect([folder, code, stateOf(home.dir)]).toEqual([folder, "home_unusable", before]);
      }
      expect(await codeOf(() => library.install(join(home.folder, "v2")))).toBe("done");
    });
  },
);
