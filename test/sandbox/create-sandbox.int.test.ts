import { chmodSync, existsSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { findCanaryPython } from "../../src/sandbox/canary/canary-python.ts";
import { findCgroupParent } from "../../src/sandbox/process/cgroup.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { findExecutable } from "../../src/sandbox/files/find-executable.ts";
import { CAPABILITIES, type SandboxPolicy } from "../../src/sandbox/types.ts";
import { backendsHere, isRoot, NO_GRANTS, Place, run } from "./support.ts";

const backends = await backendsHere();
const program = async (place: Place) => {
  const python = await findCanaryPython();
  return { interpreter: python.path, roots: [...python.roots, place.source], scratch: place.scratch };
};

describe("createSandbox", () => {
  test("does nothing before it is asked", () => {
    expect(createSandbox().name).toBe("auto");
  });

  test("prefers bubblewrap, then landlock", async () => {
    const best = backends.find(({ skip }) => skip === undefined);
    const sandbox = createSandbox();
    const report = await sandbox.probe();
    expect(report.usable).toBe(best !== undefined);
    expect(sandbox.name).toBe(best?.name ?? "auto");
  });

  test("refuses a bubblewrap that only runs its command, and tells which", async () => {
    using place = new Place();
    const fake = place.file(
      "bwrap",
      '#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift\nexec "$@"\n',
      0o755,
    );
    const report = await createSandbox({ backend: "bubblewrap", bwrapPath: fake }).probe();
    expect(report.usable).toBe(false);
    expect(report.enforced).toEqual([]);
    expect(report.missing[0]?.reason).toContain(`"${fake}" let a test program read a file`);
  });

  test("refuses a bubblewrap that does nothing, and one that is not there", async () => {
    for (const bwrapPath of ["/usr/bin/true", "/nowhere/bwrap"]) {
      const report = await createSandbox({ backend: "bubblewrap", bwrapPath }).probe();
      expect(report.usable).toBe(false);
      expect(report.missing[0]?.reason).toContain("bubblewrap does not work here");
    }
  });

  test("tells how to allow user namespaces where bubblewrap may not make them", async () => {
    using place = new Place();
    const text = "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n";
    const bwrapPath = place.file("bwrap", text, 0o755);
    const report = await createSandbox({ backend: "bubblewrap", bwrapPath }).probe();
    expect(report.missing[0]?.fix).toContain("AppArmor");
  });

  test.skipIf(backends.some(({ name, skip }) => name === "landlock" && skip !== undefined))(
    "takes landlock where bubblewrap does not work, and says what is missing and why",
    async () => {
      const sandbox = createSandbox({ bwrapPath: "/nowhere/bwrap" });
      const report = await sandbox.probe();
      expect(sandbox.name).toBe("landlock");
      const spawn = report.missing.find(({ capability }) => capability === "process_spawn_allow");
      expect(spawn?.reason).toContain("bubblewrap does not work here");
    },
  );

  test("refuses a relative path of bwrap", () => {
    expect(() => createSandbox({ bwrapPath: "bin/bwrap" })).toThrow(TypeError);
  });

  test("leaves nothing of its canary behind", async () => {
    using place = new Place();
    const tempDir = place.folder("temporary");
    await createSandbox({ tempDir }).probe();
    const [own = ""] = readdirSync(tempDir);
    expect(readdirSync(join(tempDir, own))).toEqual([]);
  });

  test("unsafe-none says that it enforces nothing", async () => {
    using place = new Place();
    const sandbox = createSandbox({ backend: "unsafe-none" });
    const plan = await sandbox.plan(NO_GRANTS, await program(place));
    expect(plan.unenforced).toContain("network_deny");
    const asking = { ...NO_GRANTS, network: ["api.example.org"], spawn: true };
    const open = await sandbox.plan(asking, await program(place));
    expect(open.unenforced).toEqual(expect.arrayContaining(["network_allow_list", "process_spawn_allow"]));
    expect(new Set([...plan.unenforced, ...open.unenforced, "network_open", "disk_io"])).toEqual(
      new Set(CAPABILITIES),
    );
    expect((await sandbox.probe()).enforced).toEqual([]);
  });
});

for (const { name, backend, skip } of backends) {
  describe.skipIf(skip)(`plan of ${name}${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
    const refusals: [string, Partial<SandboxPolicy>][] = [
      ...(name === "landlock"
        ? [["network_allow_list", { network: ["api.example.org"] }], ["network_open", {
          network: true,
        }]] as const
        : []),
      ...(name === "landlock" || (isRoot && findCgroupParent() === undefined)
        ? [["process_spawn_allow", { spawn: true }]] as const
        : []),
    ] as [string, Partial<SandboxPolicy>][];

    test.each(refusals)("names %s where it is asked for and not enforced", async (capability, asked) => {
      using place = new Place();
      const planned = backend.plan({ ...NO_GRANTS, ...asked }, await program(place));
      await expect(planned).rejects.toMatchObject({
        code: "sandbox_unavailable",
        message: expect.stringContaining(capability) as unknown,
        details: { missing: [expect.objectContaining({ capability })] },
      });
    });

    test("refuses a grant that became a link", async () => {
      using place = new Place();
      const granted = place.folder("granted");
      await expect(backend.plan({ ...NO_GRANTS, read: [granted] }, await program(place))).resolves
        .toBeDefined();
      renameSync(granted, `${granted}-old`);
      symlinkSync("/etc", granted);
      await expect(backend.plan({ ...NO_GRANTS, read: [granted] }, await program(place))).rejects
        .toMatchObject({
          code: "permission_refused",
          message: expect.stringContaining('leads to "/etc"') as unknown,
        });
    });

    test("starts nothing when a granted path changes after it was looked at", async () => {
      using place = new Place();
      const granted = place.folder("granted");
      place.file("granted/data", "fine");
      const secret = place.folder("secret");
      place.file("secret/data", "secret");
      place.file("source/skill.py", `print(open("${granted}/data").read())`);
      const asked = { ...NO_GRANTS, read: [granted] };
      const orders = {
        mode: "fd",
        entry: `${place.source}/skill.py`,
        source: place.source,
        site: [],
        env: {},
      };
      const plan = await backend.plan(asked, await program(place));
      const output = async () => {
        const child = backend.spawn(plan);
        let text = "";
        for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => text += chunk);
        child.handOver(orders);
        return { exit: await child.exited, text };
      };
      expect((await output()).text).toBe("fine\n");
      renameSync(granted, `${granted}-old`);
      for (const replace of [() => symlinkSync(secret, granted), () => place.folder("granted")]) {
        replace();
        const { exit, text } = await output();
        expect(text).toContain("changed after it was checked");
        expect(exit.code).toBe(70);
        rmSync(granted, { recursive: true });
      }
    });

    test("refuses to make the program's own files writable", async () => {
      using place = new Place();
      for (const write of [place.source, place.dir, "/"]) {
        await expect(backend.plan({ ...NO_GRANTS, write: [write] }, await program(place))).rejects
          .toMatchObject({
            code: "permission_refused",
          });
      }
    });

    test("mounts nothing below a writable folder, where a planted link could lead outside", async () => {
      using place = new Place();
      const writable = place.folder("writable");
      const below = place.folder("writable/below");
      const policy = { ...NO_GRANTS, write: [writable], read: [below] };
      const plan = await backend.plan(policy, await program(place));
      expect(plan.args).not.toContain(below);
      const { exit } = await run(backend, place, `open("${below}/file", "w").close()`, policy);
      expect(exit.code).toBe(0);
      expect(existsSync(`${below}/file`)).toBe(true);
    });

    test("a link planted in one run leads nowhere in the next", async () => {
      using place = new Place();
      const writable = place.folder("writable");
      const secret = place.file("secret", "secret");
      const policy = { write: [writable] };
      await run(backend, place, `import os; os.symlink("${secret}", "${writable}/link")`, policy);
      const { out, err } = await run(backend, place, `print(open("${writable}/link").read())`, policy);
      expect(out).toBe("");
      expect(err).toMatch(/PermissionError|FileNotFoundError/);
    });
  });
}

describe("findExecutable", () => {
  test("does not take a program from the working directory or a relative entry of PATH", async () => {
    using place = new Place();
    place.file("tool-of-test", "#!/bin/sh\n", 0o755);
    const before = process.cwd();
    expect(await findExecutable("tool-of-test", place.dir)).toBe(`${place.dir}/tool-of-test`);
    try {
      process.chdir(place.dir);
      expect(await findExecutable("tool-of-test", `.:${place.dir}`)).toBeUndefined();
    } finally {
      process.chdir(before);
    }
  });

  test("does not take a program that everybody may change", async () => {
    using place = new Place();
    const path = place.file("tool-of-test", "#!/bin/sh\n", 0o755);
    chmodSync(path, 0o777);
    expect(await findExecutable("tool-of-test", place.dir)).toBeUndefined();
  });
});
