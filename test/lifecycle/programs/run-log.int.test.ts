import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenedLibrary } from "../../../src/lifecycle/library.ts";
import { type TestHome, testHome } from "../support/open-home.ts";

const SECRET = "s3cret-of-the-run-log";
const SOURCE = `import os


def quiet(text: str = "") -> str:
    return "the answer " + text


def loud(text: str) -> None:
    print("said:", text)


def broken() -> None:
    print("before the end")
    raise ValueError("no such thing")


def telling() -> None:
    print(os.environ["API_KEY"])
    raise ValueError(os.environ["API_KEY"])
`;
const TOOLS = ["quiet", "loud", "broken", "telling"].map((name) => `[[tools]]\nname = "${name}"\n`).join("");

let home: TestHome, library: OpenedLibrary;
beforeEach(async () => {
  home = testHome();
  library = await home.open();
});
afterEach(() => home.close());

async function serve(version = "1.0.0"): Promise<void> {
  const manifest = `id = "says"\nname = "Says"\nversion = "${version}"\ndescription = "Says things"\n` +
    `default_tool = "quiet"\n${TOOLS}[[credentials]]\nname = "API_KEY"\ndescription = "A key"\nrequired = false\n`;
  await library.install(home.write("says", { "manifest.toml": manifest, "skill.py": SOURCE }));
  await library.activate("says");
}

const logFile = (version = "1.0.0", slot = "A"): string =>
  join(home.dir, ".runtime/says", version, "slots", slot, "logs/run.log");

describe("run.log", () => {
  it("tells of each run of its slot how it ended and what it printed, not what it was given or answered", async () => {
    await serve();
    await library.run("says", { text: "given" });
    await library.run("says", { text: "one\ntwo" }, { tool: "loud" });
    await expect(library.run("says", {}, { tool: "broken" })).rejects.toMatchObject({ code: "tool_failed" });
    const lines = (await library.log("says", "run")).map((line) => line.replace(/^\S+Z /, ""));
    expect(lines).toEqual([
      expect.stringMatching(/^quiet ok \([\d.]+ ms\)$/),
      expect.stringMatching(/^loud ok \(/),
      "  | said: one",
      "  | two",
      expect.stringMatching(/^broken failed: tool_failed: .*no such thing.* \([\d.]+ ms\)$/),
      "  | before the end",
      expect.stringContaining("  | Traceback"),
      expect.stringContaining("skill.py"),
      expect.stringContaining("raise ValueError"),
      "  | ValueError: no such thing",
    ]);
    const text = readFileSync(logFile(), "utf8");
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z quiet ok/);
    expect(text).not.toMatch(/given|the answer/);
    expect(statSync(logFile()).mode & 0o777).toBe(0o600);
  });

  it("is written by the end of the library at the latest, and read for what serves", async () => {
    await serve();
    await library.run("says", {});
    await library.install(home.write("next", {
      "manifest.toml": 'id = "says"\nname = "Says"\nversion = "2.0.0"\ndescription = "Says things"\n',
      "skill.py": "def invoke() -> None:\n    pass\n",
    }));
    expect(await library.log("says", "run")).toEqual([expect.stringContaining("quiet ok")]);
    await library.run("says", {});
    await library.close();
    expect(readFileSync(logFile(), "utf8").trimEnd().split("\n")).toHaveLength(2);
    expect(existsSync(logFile("2.0.0"))).toBe(false);
  });

  it("holds no secret, though the skill tells it", async () => {
    await serve();
    await library.secrets.set({ skill: "says", name: "API_KEY", value: SECRET });
    await expect(library.run("says", {}, { tool: "telling" })).rejects.toMatchObject({ code: "tool_failed" });
    const lines = (await library.log("says", "run")).join("\n");
    expect(lines).not.toContain(SECRET);
    expect(lines).toMatch(/telling failed: .*\[redacted API_KEY\]/);
    expect(lines).toContain("  | [redacted API_KEY]");
  });

  it("shows what was printed so that it cannot pass for another run, and begins anew when it is too large", async () => {
    await serve();
    await library.run("says", { text: "\nquiet ok (1.0 ms)\n\u001b[2J\u202e" }, { tool: "loud" });
    const lines = (await library.log("says", "run")).map((line) => line.replace(/^\S+Z /, ""));
    expect(lines.filter((line) => line.startsWith("quiet"))).toEqual([]);
    expect(lines).toContain("  | quiet ok (1.0 ms)");
    expect(lines.at(-1)).toBe("  | \\u001b[2J\\u202e");
    writeFileSync(logFile(), "x".repeat(2 << 20));
    await library.run("says", {});
    await library.log("says", "run");
    expect(statSync(logFile()).size).toBeLessThan(1000);
  });

  it("makes no folder for a skill that is gone, and a run does not fail for its log", async () => {
    await serve();
    rmSync(join(logFile(), ".."), { recursive: true });
    expect((await library.run("says", { text: "here" })).value).toBe("the answer here");
    expect(await library.log("says", "run")).toEqual([]);
    await library.run("says", {});
    await library.uninstall("says");
    await library.close();
    expect(existsSync(join(home.dir, ".runtime/says"))).toBe(false);
  });
});
