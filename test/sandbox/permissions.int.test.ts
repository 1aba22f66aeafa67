import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { SandboxBackend, SandboxPolicy } from "../../src/sandbox/types.ts";
import { backendsHere, eventually, Place, run, start, survivors } from "./support.ts";

const backends = await backendsHere();

const PRELUDE = `import json, os
def status(url):
    import urllib.error, urllib.request
    try: return urllib.request.urlopen(url, timeout=20).status
    except urllib.error.HTTPError as error: return error.code`;

/** What each expression comes to, or the name of its exception. */
async function tried(
  backend: SandboxBackend,
  place: Place,
  policy: Partial<SandboxPolicy>,
  attempts: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const code = Object.entries(attempts).map(([name, expression]) =>
    `try: facts["${name}"] = str(${expression})\nexcept Exception as e: facts["${name}"] = type(e).__name__`
  );
  const { out, err } = await run(
    backend,
    place,
    [PRELUDE, "facts = {}", ...code, "print(json.dumps(facts))"].join("\n"),
    policy,
  );
  if (!out.startsWith("{")) throw new Error(err);
  return JSON.parse(out) as Record<string, string>;
}

const REFUSED = expect.stringMatching(/^(PermissionError|FileNotFoundError|OSError)$/) as unknown;

for (const { name, backend, skip } of backends) {
  describe.skipIf(skip).concurrent(`permissions under ${name}${skip ? ` (skipped: ${skip})` : ""}`, () => {
    test("file_read opens the listed paths, and none beside them or for writing", async () => {
      using place = new Place();
      const [granted, other] = [place.folder("granted"), place.folder("other")];
      for (const folder of ["granted", "other"]) place.file(`${folder}/data`, `in ${folder}`);
      const single = place.file("single", "a single file");
      const attempts = {
        granted: `open("${granted}/data").read()`,
        single: `open("${single}").read()`,
        other: `open("${other}/data").read()`,
        write: `open("${granted}/data", "w").write("x")`,
        create: `open("${granted}/new", "w").write("x")`,
      };
      expect(await tried(backend, place, { read: [granted, single] }, attempts)).toEqual({
        granted: "in granted",
        single: "a single file",
        other: REFUSED,
        write: REFUSED,
        create: REFUSED,
      });
      expect(await tried(backend, place, {}, attempts)).toEqual({
        granted: REFUSED,
        single: REFUSED,
        other: REFUSED,
        write: REFUSED,
        create: REFUSED,
      });
    });

    test("file_write writes below the listed paths, and nowhere beside them", async () => {
      using place = new Place();
      const [granted, other] = [place.folder("granted"), place.folder("other")];
      const attempts = {
        granted: `open("${granted}/new", "w").write("here")`,
        again: `open("${granted}/new").read()`,
        other: `open("${other}/new", "w").write("there")`,
        up: `os.rename("${granted}/new", "${other}/new")`,
      };
      expect(await tried(backend, place, { write: [granted], read: [other] }, attempts)).toEqual({
        granted: "4",
        again: "here",
        other: REFUSED,
        up: REFUSED,
      });
      expect(readFileSync(`${granted}/new`, "utf8")).toBe("here");
      expect(await tried(backend, place, {}, attempts)).toMatchObject({ granted: REFUSED, other: REFUSED });
    });
  });
}

const bubblewrap = backends.find(({ name }) => name === "bubblewrap");
const { backend, skip } = bubblewrap ?? { backend: undefined, skip: "no bubblewrap" };
const enforced = (await backend?.probe())?.enforced ?? [];

describe.skipIf(skip ?? backend === undefined)("permissions that need bubblewrap", () => {
  test("network_access = true asks for every host, a list for its own only, false for none", async () => {
    const ask = async (network: SandboxPolicy["network"]) => {
      using place = new Place();
      if (backend === undefined) throw new Error("no backend");
      return await tried(backend, place, { network }, {
        any: `status("http://skillwright.invalid/")`,
        proxy: 'os.environ.get("HTTP_PROXY", "none")',
      });
    };
    const [all, listed, none] = await Promise.all([ask(true), ask(["api.example.org"]), ask(false)]);
    // 502: it was let through, and nothing is there. 403: the list does not have it.
    expect([all["any"], listed["any"], none["any"]]).toEqual(["502", "403", "URLError"]);
    expect([all["proxy"], none["proxy"]]).toEqual(["http://127.0.0.1:3128", "none"]);
  });

  test.skipIf(!enforced.includes("process_spawn_allow"))(
    "process_spawn = true starts children, and all of them end with the program",
    async () => {
      using place = new Place();
      if (backend === undefined) throw new Error("no backend");
      const policy = { spawn: true };
      const code = `import subprocess, sys, time
print(subprocess.run(["/bin/echo", "child"], capture_output=True).stdout.decode().strip(), flush=True)
subprocess.Popen(["/bin/sh", "-c", "sleep 300 & sleep 300 # ${place.dir}"], start_new_session=True)
print("started", flush=True)
time.sleep(300)`;
      const child = await start(backend, place, code, policy);
      let out = "";
      child.stdout.on("data", (chunk) => out += chunk);
      expect(await eventually(() => out.includes("started"))).toBe(true);
      expect(out).toContain("child\n");
      expect(survivors(place.dir).length).toBeGreaterThan(2);
      child.kill();
      await child.exited;
      expect(await eventually(() => survivors(place.dir).length === 0)).toBe(true);
    },
  );
});
