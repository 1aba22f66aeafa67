import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SkillError } from "../../src/base/errors.ts";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import { loadPythonRegistry } from "../../src/lifecycle/projections/python-registry.ts";
import { tries } from "../torture.ts";
import { copyHome, fillHome } from "./support/full-home.ts";
import { homeContents } from "./support/home-contents.ts";
import { romanSkill, type TestHome, testHome } from "./support/open-home.ts";

/** What a bad disk, a careless hand or another program makes of a file. */
const DAMAGES = {
  "cut in half": (path) => truncateSync(path, lstatSync(path).size >> 1),
  emptied: (path) => truncateSync(path, 0),
  flipped: (path) => flip(path, lstatSync(path).size >> 1),
  "other bytes": (path) => writeFileSync(path, "\0\ufffd{<not it>".repeat(300)),
  "a folder": (path) => {
    rmSync(path);
    mkdirSync(path);
    writeFileSync(join(path, "in-the-way"), "");
  },
  "a link": (path) => {
    rmSync(path);
    symlinkSync("/etc/passwd", path);
  },
  gone: (path) => rmSync(path),
} as const satisfies Record<string, (path: string) => void>;
const damages = Object.entries(DAMAGES) as [keyof typeof DAMAGES, (path: string) => void][];

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8((bytes[at] ?? 0) ^ 0x10, at);
  writeFileSync(path, bytes);
}

/** Lets a file of a build be damaged: they are made such that nobody changes them by mistake. */
function unlocked(path: string): string {
  chmodSync(dirname(path), 0o755);
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === true) chmodSync(path, 0o644);
  return path;
}

let home: TestHome, dir: string, library: OpenedLibrary;
let copies = 0;
beforeAll(async () => {
  home = testHome();
  await fillHome(home);
});
afterAll(() => home.close());
beforeEach(async () => {
  dir = copyHome(home, `copy-${copies++}`);
  library = await home.open({ dir });
});
afterEach(() => library.close());

const at = (path: string): string => join(dir, path);

async function servingBuild(): Promise<string> {
  const serving = (await library.generations("roman")).find(({ status }) => status === "active");
  return at(`.runtime/roman/builds/${serving?.build ?? ""}`);
}

describe("a file that shows the state", () => {
  it.each([
    ".state/python_registry.json",
    ".state/secrets.json",
    ".runtime/roman/active",
    ".runtime/roman/previous",
    ".runtime/roman/1.0.0/meta.json",
    ".runtime/roman/2.0.0/active",
    ".runtime/roman/2.0.0/slots/A/src",
    ".runtime/roman/data/files/secrets.json",
    ".runtime/roman/data/files/.skill_env.json",
  ])("is named and written anew when it was damaged: %s", async (file) => {
    const before = homeContents(dir);
    const isLink = lstatSync(at(file)).isSymbolicLink();
    // Through the link to a build there is nothing to damage.
    for (const [how, damage] of damages) {
      if (isLink && !["a folder", "a link", "gone"].includes(how)) continue;
      damage(at(file));
      const named = (await library.check()).map((finding) => [finding.rule, finding.file]);
      expect({ how, named }).toEqual({ how, named: [["home/repaired", file]] });
      expect({ how, contents: homeContents(dir) }).toEqual({ how, contents: before });
    }
    expect(await library.check()).toEqual([]);
  });

  it("is never an empty list to who reads the registry file while it is damaged", async () => {
    const file = at(".state/python_registry.json");
    for (const [how, damage] of damages) {
      if (how === "gone" || how === "emptied") continue;
      damage(file);
      await expect(loadPythonRegistry(dir)).rejects.toMatchObject({
        code: "home_unusable",
        message: expect.stringContaining(file),
      });
      await library.check();
      expect((await loadPythonRegistry(dir)).get("roman")?.status).toBe("active");
    }
  });

  it("is left as it is, and named, when it is a script that somebody edited", async () => {
    const file = at("roman.py");
    for (const text of ["# mine\n", "", "\0\ufffd"]) {
      writeFileSync(file, text);
      expect(await library.check()).toEqual([
        expect.objectContaining({ rule: "home/drift", file: "roman.py", severity: "warning" }),
      ]);
      expect(readFileSync(file, "utf8")).toBe(text);
      expect((await library.run("roman", { number: 4 })).value).toBe("IV");
    }
    rmSync(file);
    await library.check();
    expect(await library.check()).toEqual([]);
  });
});

describe("home.db", () => {
  beforeEach(() => library.close());

  it.each(damages.filter(([how]) => how !== "flipped"))(
    "is refused by name and not touched when it is damaged: %s",
    async (how, damage) => {
      const file = at(".state/home.db"), sound = readFileSync(file);
      damage(file);
      const left = lstatSync(file, { throwIfNoEntry: false })?.isFile() === true
        ? readFileSync(file)
        : undefined;
      const end = await tells().catch((error: unknown) => error);
      const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined;
      const same = left === undefined ? isThere === (how !== "gone") : readFileSync(file).equals(left);
      rmSync(file, { recursive: true, force: true });
      writeFileSync(file, sound, { mode: 0o600 });
      expect(end).toMatchObject({
        code: "home_unusable",
        message: expect.stringContaining("home.db"),
        fix: expect.any(String),
      });
      expect(same).toBe(true);
      expect(await tells()).toMatchObject({ findings: [] });
    },
  );

  it("is refused, or named by check, or tells the same, when a bit of it flipped", async () => {
    const file = at(".state/home.db"), sound = readFileSync(file);
    const before = await tells();
    const step = Math.floor(sound.length / tries(60, 3000));
    const wrong: unknown[] = [];
    for (let place = 7; place < sound.length; place += step) {
      writeFileSync(file, sound);
      flip(file, place);
      const end = await tells().catch((error: unknown) => error as { readonly code?: unknown });
      const found = "findings" in end
        ? end.findings.length > 0 || isSame(end, before)
        : end.code === "home_unusable";
      if (!found) wrong.push({ place, end });
    }
    writeFileSync(file, sound);
    expect(wrong).toEqual([]);
  }, tries(60_000, 900_000));
});

describe("a record in home.db", () => {
  it.each([
    [
      "update builds set resolved = substr(resolved, 2)",
      (opened: OpenedLibrary): Promise<unknown> => opened.list(),
    ],
    [
      "update tests set report = '{'",
      (opened: OpenedLibrary): Promise<unknown> => opened.generations("roman"),
    ],
    ["update skill_env set env = ''", (opened: OpenedLibrary): Promise<unknown> => opened.check()],
    [
      "insert into proposals values ('p', 'pending', 'x', 'd', '{', null, 1, null)",
      (opened: OpenedLibrary): Promise<unknown> => opened.proposals(),
    ],
    [
      "insert into audit values (1000, 1, 'code', null, 'x', null, null, '{')",
      (opened: OpenedLibrary): Promise<unknown> => opened.audit(),
    ],
    [
      "insert into removed values ('gone', 1, 1, 0, '[', '[]')",
      (opened: OpenedLibrary): Promise<unknown> => opened.check(),
    ],
    ["drop table generations", (opened: OpenedLibrary): Promise<unknown> => opened.list()],
  ])("that is damaged is named by a typed error: %s", async (change, look) => {
    await library.close();
    const db = new DatabaseSync(at(".state/home.db"));
    db.exec(`pragma foreign_keys = off; ${change}`);
    db.close();
    const end = await home.open({ dir }).then((opened) => look(opened)).catch((error: unknown) => error);
    expect(end).toMatchObject({
      code: "home_unusable",
      message: expect.stringContaining("home.db"),
      fix: expect.any(String),
    });
  });
});

interface Told {
  readonly findings: readonly unknown[];
  readonly generations: unknown;
  readonly list: unknown;
  readonly audit: unknown;
}

/** What a home says after a look at all of it. */
async function tells(): Promise<Told> {
  const opened = await home.open({ dir });
  try {
    const findings = await opened.check();
    if (findings.length > 0) return { findings, generations: [], list: [], audit: [] };
    const list = await opened.list();
    return { findings, list, generations: await opened.generations("roman"), audit: await opened.audit() };
  } finally {
    await opened.close();
  }
}

function isSame(one: Told, other: Told): boolean {
  return JSON.stringify([one.generations, one.list]) === JSON.stringify([other.generations, other.list]);
}

describe("a build", () => {
  it.each(
    [
      ["src/skill.py", ["flipped", "a link", "a folder"]],
      ["src/manifest.toml", ["cut in half", "gone"]],
      ["resolved.manifest.json", ["flipped", "emptied", "a folder"]],
    ] as const,
  )(
    "is named when %s is damaged, does not run unless it is as installed, and is made again by an install",
    async (name, some) => {
      for (const how of some) {
        // What a warm process has read already is as installed.
        await library.stopProcesses("roman");
        const file = unlocked(join(await servingBuild(), name));
        DAMAGES[how](file);
        const named = (await library.check()).map(({ rule }) => rule);
        expect({ how, named }).toEqual({ how, named: expect.arrayContaining(["home/build"]) });
        const end = await library.run("roman", { number: 4 }).then(
          ({ value }) => value,
          ({ code }) => code as string,
        );
        expect({ how, end }).toEqual({ how, end: name.startsWith("src") ? "tampered" : "IV" });
        await library.install(join(home.folder, "v2"));
        expect({ how, findings: await library.check() }).toEqual({ how, findings: [] });
        expect((await library.run("roman", { number: 4 })).value).toBe("IV");
      }
    },
  );
});

describe("a snapshot", () => {
  it("is named when it is damaged, and made again from the build that it was taken of", async () => {
    const snapshots = at(".state/snapshots/roman");
    const [digest = ""] = readdirSync(snapshots);
    const file = join(snapshots, digest, "skill.py");
    for (const [how, damage] of damages) {
      damage(unlocked(file));
      const named = (await library.check()).map(({ rule }) => rule);
      expect({ how, named }).toEqual({ how, named: ["home/repaired"] });
      expect({ how, again: await library.check() }).toEqual({ how, again: [] });
    }
  });
});

describe("what may be lost", () => {
  it("is begun anew when it is damaged: the history of runs, and staging", async () => {
    const history = at(".state/history.db");
    for (const [how, damage] of damages) {
      await library.run("roman", { number: 4 });
      expect((await library.runs("roman")).length).toBeGreaterThan(0);
      await library.close();
      damage(history);
      library = await home.open({ dir });
      expect((await library.run("roman", { number: 4 })).value).toBe("IV");
      const told = await library.runs("roman").then(
        (runs) => runs.length > 0,
        ({ code }) => code as string,
      );
      // What is no file is nothing that we threw away.
      expect({ how, told }).toEqual({ how, told: how === "a folder" ? "home_unusable" : true });
      if (how === "a folder") rmSync(history, { recursive: true });
    }
    writeFileSync(at(".state/staging/1.1-x"), "no folder");
    mkdirSync(at(".state/staging/2.2-x"));
    writeFileSync(at(".state/staging/2.2-x/placing.json"), '{"id":"roman","build":"../../../../roman"}');
    await library.check();
    expect(readdirSync(at(".state/staging"))).toEqual([]);
    expect(existsSync(at("roman"))).toBe(true);
  });
});

describe("a folder of the home", () => {
  it.each([".state/staging", ".state/snapshots", ".runtime/roman/builds"])(
    "that is a file gives a typed error, and what was is there when it is put right: %s",
    async (folder) => {
      const aside = `${at(folder)}.aside`;
      if (existsSync(at(folder))) renameSync(at(folder), aside);
      writeFileSync(at(folder), "in the way");
      const ends = [
        await library.install(home.write("v3", romanSkill("3.0.0"))).catch((error: unknown) => error),
        await library.disable("roman").catch((error: unknown) => error),
        await library.activate("roman").catch((error: unknown) => error),
        await library.check().catch((error: unknown) => error),
      ];
      expect(ends.filter((end) => end instanceof Error && !SkillError.isInstance(end))).toEqual([]);
      expect(ends).toEqual(expect.arrayContaining([expect.objectContaining({ code: expect.any(String) })]));
      rmSync(at(folder), { recursive: true, force: true });
      if (existsSync(aside)) renameSync(aside, at(folder));
      await library.check();
      await library.activate("roman");
      expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("2.0.0");
      expect(await library.check()).toEqual([]);
    },
  );
});
