import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Permissions } from "../../../src/manifest/types.ts";
import { type GrantContext, OPEN_HOST_POLICY, resolveGrants } from "../../../src/sandbox/policy/policy.ts";

const NOTHING: Permissions = { network_access: false, file_read: [], file_write: [], process_spawn: false };
// Not below the system's /tmp, which stands for the scratch folder in a manifest.
const root = realpathSync(mkdtempSync("/var/tmp/skillwright-policy-"));
const userHome = realpathSync(mkdtempSync("/var/tmp/skillwright-user-"));
let context: GrantContext;

beforeAll(async () => {
  for (const name of ["package", "data", "store", "other/inner"]) {
    mkdirSync(`${root}/${name}`, { recursive: true });
  }
  symlinkSync(`${root}/data`, `${root}/link`);
  vi.stubEnv("HOME", userHome);
  context = {
    packageDir: `${root}/package`,
    host: OPEN_HOST_POLICY,
    forbidden: [`${root}/store`],
    writableByOthers: [`${root}/other`],
  };
});
afterAll(() => {
  vi.unstubAllEnvs();
  for (const folder of [root, userHome]) rmSync(folder, { recursive: true, force: true });
});

const resolve = (asked: Partial<Permissions>, changed: Partial<GrantContext> = {}) =>
  resolveGrants({ ...NOTHING, ...asked }, { ...context, ...changed });

describe("resolveGrants", () => {
  test("gives real paths, and none for what a program has anyway", async () => {
    const asked = {
      file_read: ["./data", ".", "/tmp", `${root}/data/`, `${root}/data/../data`],
      file_write: ["/tmp/x", `${root}/data`],
    };
    expect(await resolve(asked)).toEqual({
      read: [`${root}/data`],
      write: [`${root}/data`],
      network: false,
      spawn: false,
    });
  });

  test.each(["/", userHome, "/proc/self", "/dev/null", "/run", "/var", "/sys/kernel"])(
    "refuses %s",
    async (path) => {
      for (const access of ["file_read", "file_write"] as const) {
        await expect(resolve({ [access]: [path] })).rejects.toMatchObject({ code: "permission_refused" });
      }
    },
  );

  test.each(["/etc", "/usr/share"])("refuses to write to %s but not to read it", async (path) => {
    await expect(resolve({ file_write: [path] })).rejects.toThrow("belongs to the system");
    await expect(resolve({ file_read: [path] })).resolves.toMatchObject({ read: [path] });
  });

  test.each([
    ["~/notes", "relative to nothing"],
    ["data", "relative to nothing"],
    ["./../data", "leaves the package"],
    ["", "not a path"],
    ["/a\0b", "not a path"],
    [`${root}/nowhere`, "does not exist"],
    [`${root}/link`, "leads to"],
    [`${root}/store`, "holds skills and secrets"],
    [root, "holds skills and secrets"],
    [`${root}/other/inner`, "another skill can change"],
  ])("refuses %j: %s", async (path, reason) => {
    await expect(resolve({ file_read: [path] })).rejects.toThrow(reason);
  });

  test("refuses a socket", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(`${root}/socket`, done));
    await expect(resolve({ file_read: [`${root}/socket`] })).rejects.toThrow("neither a file nor a folder");
    server.close();
  });

  test("refuses to write into the package", async () => {
    await expect(resolve({ file_write: ["./data"] })).rejects.toThrow("an installed package never changes");
  });

  test("refuses what the host's policy does not allow, and grants what it does", async () => {
    const host = {
      file_read: [`${root}/data`],
      file_write: [],
      network_access: ["a.example.org"],
      process_spawn: false,
    };
    await expect(resolve({ file_read: [`${root}/data`] }, { host })).resolves.toBeDefined();
    await expect(resolve({ file_read: [`${root}/package`] }, { host })).rejects.toThrow("host's policy");
    await expect(resolve({ file_write: [`${root}/data`] }, { host })).rejects.toThrow("host's policy");
    await expect(resolve({ process_spawn: true }, { host })).rejects.toThrow("no skill start processes");
    await expect(resolve({ network_access: ["a.example.org"] }, { host })).resolves.toBeDefined();
    await expect(resolve({ network_access: ["b.example.org"] }, { host })).rejects.toThrow('"b.example.org"');
    await expect(resolve({ network_access: true }, { host })).rejects.toMatchObject({
      fix: "choose among a.example.org",
    });
  });
});
