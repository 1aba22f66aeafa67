import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BareRepository, bareRepository } from "../lifecycle/support/bare-repository.ts";
import { cli, type Ran } from "./recording-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-cli-fetch-"));
const dir = join(folder, "home"), source = join(folder, "word_count");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...argv: readonly string[]): Promise<Ran> => cli([...argv, "--dir", dir]);

async function document(...argv: readonly string[]): Promise<Record<string, unknown>> {
  return (await at(...argv, "--json")).json() as Record<string, unknown>;
}

function configure(toml: string): void {
  writeFileSync(join(dir, "config.toml"), toml);
}

let repositories = 0;
function repository(): BareRepository {
  return bareRepository(join(folder, `repository-${++repositories}`));
}

beforeAll(async () => {
  await at("new", source);
  await at("install", source);
  await at("activate", "word_count");
});
beforeEach(() => {
  rmSync(join(dir, "word_count"), { recursive: true });
  cpSync(source, join(dir, "word_count"), { recursive: true });
});

describe("status --fetch", () => {
  test.each(["word_count", "skills/word_count"])("compares with %s on main of the registry", async (path) => {
    const bare = repository();
    const commit = bare.push(source, path);
    configure(`[registry]\nremote = "${bare.url}"\n`);
    expect(await document("status", "word_count", "--fetch", "--diff")).toMatchObject({
      skill_info: { id: "word_count" },
      source: "same",
      remote: { url: bare.url, branch: "main", commit, source: "same", diff: "" },
    });
    appendFileSync(join(dir, "word_count/skill.py"), "# mine\n");
    expect(await document("status", "word_count", "--fetch", "--diff")).toMatchObject({
      remote: { commit, source: "changed", diff: expect.stringContaining("+# mine") },
    });
    const { stdout } = await at("status", "word_count", "--fetch");
    expect(stdout).toContain(`differs from main of ${bare.url} at ${commit.slice(0, 12)}`);
    expect(stdout).not.toContain("# mine");
  });

  test("compares with the branch that is set, and says when it has no such skill", async () => {
    const bare = repository();
    bare.push(source, "other");
    const commit = bare.push(source, "word_count", "next");
    configure(`[registry]\nremote = "${bare.url}"\n`);
    expect(await document("status", "word_count", "--fetch")).toMatchObject({
      remote: { branch: "main", source: "absent" },
    });
    expect((await at("status", "word_count", "--fetch")).stdout).toContain("is not in main of");
    configure(`[registry]\nremote = "${bare.url}"\nbranch = "next"\n`);
    expect(await document("status", "word_count", "--fetch")).toMatchObject({
      remote: { branch: "next", source: "same", commit },
    });
    configure(`[registry]\nremote = "${bare.url}"\nbranch = "--upload-pack=x"\n`);
    expect(await document("status", "word_count", "--fetch")).toMatchObject({
      error: { code: "not_found" },
    });
  });

  test("sees a change of a file that is no text", async () => {
    const bare = repository();
    bare.push(source, "word_count");
    configure(`[registry]\nremote = "${bare.url}"\n`);
    writeFileSync(join(dir, "word_count/data.bin"), new Uint8Array([0, 255]));
    expect(await document("status", "word_count", "--fetch", "--diff")).toMatchObject({
      remote: { source: "changed", diff: "" },
    });
  });

  test("says what to set without a remote, and when it cannot be reached", async () => {
    configure("");
    expect(await document("status", "word_count", "--fetch")).toMatchObject({
      error: {
        code: "source_unreachable",
        fix: `set remote in [registry] of ${join(dir, "config.toml")}`,
      },
    });
    configure(`[registry]\nremote = "file://${folder}/none.git"\n`);
    expect(await document("status", "word_count", "--fetch")).toMatchObject({
      error: { code: "source_unreachable", message: expect.stringContaining("cannot be fetched") },
    });
    configure(`[registry]\nremote = "ext::touch ${folder}/marker"\n`);
    expect(await document("status", "word_count", "--fetch")).toMatchObject({
      error: { code: "source_unreachable" },
    });
    expect(await document("status", "word_count")).not.toHaveProperty("remote");
  });

  test("shows no password of the remote", async () => {
    configure(`[registry]\nremote = "https://me:hidden@127.0.0.1:1/r.git"\n`);
    const { notes } = await at("status", "word_count", "--fetch");
    expect(notes).toContain("source_unreachable");
    expect(notes).not.toContain("hidden");
  });
});

describe("status --space dev", () => {
  const dev = join(folder, "dev");
  const keys = `client_cert = "${folder}/cert.pem"\nclient_key = "${folder}/key.pem"\n`;
  const asked = ["status", "--space", "dev", "draft", "--fetch", "--diff"];
  beforeAll(async () => {
    mkdirSync(dev);
    await at("new", join(dev, "draft"));
    for (const name of ["cert.pem", "key.pem"]) writeFileSync(join(folder, name), "for the hub\n");
  });

  test("compares the dev folder with the hub's draft, of a skill that is not installed", async () => {
    const bare = repository();
    const commit = bare.push(join(dev, "draft"), "draft");
    configure(`[spaces.dev]\nfolder = "${dev}"\nremote = "${bare.url}"\n${keys}`);
    expect(await document(...asked)).toEqual({
      id: "draft",
      space: "dev",
      folder: join(dev, "draft"),
      remote: { url: bare.url, branch: "main", commit, source: "same", diff: "" },
    });
    appendFileSync(join(dev, "draft/skill.py"), "# a draft\n");
    const { stdout } = await at(...asked);
    expect(stdout).toContain("differs from main of");
    expect(stdout).toContain("+# a draft");
    expect(await document("status", "--space", "dev", "dra", "--fetch")).toMatchObject({
      error: { code: "not_found" },
    });
    expect(await document("status", "--space", "dev", "../draft", "--fetch")).toMatchObject({
      error: { code: "invalid_input" },
    });
  });

  test("says which keys are missing, and fetches nothing without them", async () => {
    const bare = repository();
    bare.push(join(dev, "draft"), "draft");
    const space = `[spaces.dev]\nfolder = "${dev}"\nremote = "${bare.url}"\n`;
    configure(space);
    expect(await document(...asked)).toMatchObject({
      error: {
        code: "source_unreachable",
        message: expect.stringContaining("client_cert, client_key"),
        details: { missing: ["client_cert", "client_key"] },
      },
    });
    configure(`${space}client_cert = "${folder}/cert.pem"\nclient_key = "${folder}/none.pem"\n`);
    expect(await document(...asked)).toMatchObject({
      error: { code: "source_unreachable", message: expect.stringContaining("client_key") },
    });
    configure(`[spaces.dev]\nfolder = "${dev}"\nremote = "ssh://git@h/r.git"\n${keys}`);
    expect(await document(...asked)).toMatchObject({
      error: { code: "source_unreachable", message: expect.stringContaining("does not ask for client keys") },
    });
  });

  test("is only ever compared, and there is no other space", async () => {
    expect((await at("status", "--space", "dev", "draft")).code).toBe(2);
    expect((await at("status", "--space", "prod", "word_count", "--fetch")).code).toBe(2);
  });
});
