import { spawnSync } from "node:child_process";
import { chmod, mkdir, open, readdir, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { openUv } from "../../../src/environment/confinement/confined-uv.ts";
import { barePlan } from "../../../src/environment/confinement/install-plan.ts";
import type { ConfinedUv, UvNeeds } from "../../../src/environment/confinement/uv-confinement.ts";
import { UvSession } from "../../../src/environment/confinement/uv-session.ts";
import { createEnvironments } from "../../../src/environment/create-environments.ts";
import { KnownHosts } from "../../../src/environment/index/index-hosts.ts";
import { serve, serveFiles, serveIndex, type TestServer, wheels } from "../local-index.ts";
import { exists, findBwrap, sharedUv, temporaryFolder, thisPython, userEnv } from "../support.ts";

const bwrap = await findBwrap();

/** Tries what its arguments say and prints, for each, whether it worked. */
const FAKE_UV = `
import json, os, socket, sys
if sys.argv[1:] == ["--version"]: sys.exit(print("uv 0.99.0"))
def attempt(what):
    kind, target = what
    try:
        if kind == "read": open(target).read()
        elif kind == "write": open(target, "w").write("x")
        elif kind == "append": open(target, "a").write("x")
        elif kind == "connect": socket.create_connection(("127.0.0.1", target), 5).close()
        elif kind == "child": assert os.system(target) == 0
        elif kind == "unix": socket.socket(socket.AF_UNIX)
        return True
    except (OSError, AssertionError) as error:
        return False
print(json.dumps([attempt(what) for what in json.loads(sys.argv[1])]))
`;

interface Scene {
  readonly needs: UvNeeds;
  readonly room: string;
  readonly home: string;
  readonly outside: string;
}

/** A user with a key, a room, and a program that claims to be uv. */
async function scene(more: Partial<UvNeeds> = {}): Promise<Scene> {
  const [folder, home, outside, python] = [
    await temporaryFolder(),
    await temporaryFolder(),
    await temporaryFolder(),
    await thisPython(),
  ];
  const room = join(folder, "room");
  await mkdir(room);
  await mkdir(join(home, ".ssh"));
  await writeFile(join(home, ".ssh/id"), "key");
  const path = join(folder, "uv");
  await writeFile(path, `#!${python.path} -IS\n${FAKE_UV}`);
  await chmod(path, 0o755);
  const needs: UvNeeds = {
    python,
    uv: { path, version: "0.99.0", source: "setting" },
    room,
    scratch: join(folder, "scratch"),
    files: [],
    env: { UV_DEFAULT_INDEX: "http://127.0.0.1:9/simple" },
    offline: true,
    backend: "auto",
    bwrap,
    known: new KnownHosts(join(folder, "index-hosts.json")),
    names: [],
    signal: undefined,
    ...more,
  };
  return { needs, room, home, outside };
}

type Attempt = readonly [
  kind: "read" | "write" | "append" | "connect" | "child" | "unix",
  target: string | number,
];

async function attempts(uv: ConfinedUv, room: string, list: readonly Attempt[]): Promise<readonly boolean[]> {
  const { stderr } = await uv.run([JSON.stringify(list)], room, 30_000);
  return JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as boolean[];
}

/** A port of this machine where something listens. */
async function listener(): Promise<number> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function listOf({ room, home, outside, needs }: Scene, port: number): readonly Attempt[] {
  return [
    ["write", join(room, "made")],
    ["child", `echo x > ${room}/child`],
    ["read", join(home, ".ssh/id")],
    ["append", join(home, ".ssh/id")],
    ["write", join(outside, "made")],
    ["child", `cat ${home}/.ssh/id >/dev/null 2>&1`],
    ["write", join(dirname(needs.python.path), "planted")],
    ["unix", ""],
    ["connect", port],
  ];
}

const NOTHING_ELSE = [true, true, false, false, false, false, false, false];

describe("openUv", () => {
  it.skipIf(bwrap === undefined)(
    "leaves uv its room and no network in bubblewrap when it is offline",
    async () => {
      const { needs, room, ...rest } = await scene();
      const uv = await openUv(needs);
      expect(uv).toMatchObject({ by: "bubblewrap", unenforced: undefined });
      const list = listOf({ needs, room, ...rest }, await listener());
      expect(await attempts(uv, room, list)).toEqual([...NOTHING_ELSE, false]);
      await uv.close();
      expect(await readdir(needs.scratch)).toEqual([]);
    },
  );

  it("leaves uv its room with Landlock, and says that the network is open", async () => {
    const one = await scene({ backend: "landlock" });
    const uv = await openUv(one.needs);
    expect(uv.by).toBe("landlock");
    expect(uv.unenforced).toMatch(/without bubblewrap .*; not enforced: network/);
    expect(await attempts(uv, one.room, listOf(one, await listener()))).toEqual([...NOTHING_ELSE, true]);
    await uv.close();
    expect(await exists(join(one.outside, "made"))).toBe(false);
  });

  it("tries what does succeed when nothing confines it", async () => {
    const one = await scene();
    const bare = barePlan({ ...one.needs, readable: [] });
    const session = await UvSession.open(bare.sandbox);
    const list = listOf(one, await listener()).filter(([, target]) => !String(target).endsWith("planted"));
    const run = { program: one.needs.uv.path, env: {}, cwd: one.room, timeout_ms: 30_000 };
    const { stderr } = await session.run({ ...run, args: [JSON.stringify(list)] });
    expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "")).toEqual(list.map(() => true));
    await session.close();
  });

  it("goes on with Landlock, and says why, when bubblewrap does not work here", async () => {
    const { needs } = await scene({ bwrap: "/bin/false" });
    const uv = await openUv(needs);
    expect(uv.by).toBe("landlock");
    expect(uv.unenforced).toMatch(/^uv ran without bubblewrap \(.*\/bin\/false.*not enforced: network/);
    await uv.close();
  });

  it.skipIf(bwrap === undefined)("lets uv reach the index that is set and nothing beside it", async () => {
    const index = await serve((_, response) => void response.end("an index"));
    const other = await serve((_, response) => void response.end("another service"));
    const one = await scene({ offline: false, env: { UV_DEFAULT_INDEX: `${index.url}/simple` } });
    const uv = await openUv(one.needs);
    const ask = async (url: string): Promise<string> => {
      const code = `import urllib.request as r; print(r.urlopen("${url}").read().decode())`;
      const program = { program: one.needs.python.path, env: {} };
      return (await uv.run(["-IS", "-c", code], one.room, 30_000, program)).stderr;
    };
    expect(await ask(index.url)).toBe("an index\n");
    expect(await ask(other.url)).toContain("403");
    expect(other.asked).toEqual([]);
    await uv.close();
  });
});

describe.each(["landlock", "bubblewrap"] as const)("uv in %s", (backend) => {
  it.skipIf(backend === "bubblewrap" && bwrap === undefined)(
    "has no descriptor that its host inherited",
    async () => {
      const { needs, room } = await scene({ backend });
      const path = join(room, "inherited");
      const file = await open(path, "w");
      const order = JSON.stringify({ needs, fd: 9 });
      const program = join(import.meta.dirname, "../descriptors-program.ts");
      const flags = "Deno" in globalThis ? ["run", "-A"] : ["--experimental-strip-types", "--no-warnings"];
      const host = spawnSync(process.execPath, [...flags, program, order], {
        stdio: ["ignore", "pipe", "inherit", ...Array<"ignore">(6).fill("ignore"), file.fd],
        encoding: "utf8",
      });
      await file.close();
      // The control: the host itself has it.
      expect(JSON.parse(host.stdout)).toEqual({ own: path, inside: [0, 1, 2] });
    },
  );
});

describe("an installation in bubblewrap", () => {
  it.skipIf(bwrap === undefined)(
    "finds the files of an index on the host that its pages link to",
    async () => {
      const folder = await wheels("cake==1.0");
      const [before, after] = [await serveFiles(folder), await serveFiles(folder)];
      let files: TestServer = before;
      const index = await serveIndex(folder, () => files);
      const env = userEnv({ UV_DEFAULT_INDEX: `${index.url}/simple` });
      const build = async (cacheDir: string): Promise<string> => {
        const environments = createEnvironments({ cacheDir, uv: await sharedUv(), env });
        const request = { dependencies: ["cake"], isolation: "venv" } as const;
        const record = await environments.build(await temporaryFolder(), request);
        expect(record.install_unenforced).toBeUndefined();
        return record.pins;
      };
      const cacheDir = await temporaryFolder();
      expect(await build(cacheDir)).toContain("cake==1.0");
      expect(before.asked.length).toBeGreaterThan(0);
      // The index moves its files: what is remembered of it no longer helps.
      files = after;
      await rm(join(cacheDir, "install/cache"), { recursive: true });
      expect(await build(cacheDir)).toContain("cake==1.0");
      expect(after.asked.length).toBeGreaterThan(0);
    },
  );

  it.skipIf(bwrap === undefined)("goes through the user's own proxy when there is one", async () => {
    const folder = await wheels("cake==1.0");
    const files = await serveFiles(folder);
    const index = await serveIndex(folder, () => files);
    const seen = new Set<string>();
    const proxy = createServer((client) => {
      client.once("data", (data) => {
        const text = data.toString("latin1");
        const [, host = "", port = ""] = /^\S+ http:\/\/([^/:]+):(\d+)\//.exec(text) ?? [];
        seen.add(/^proxy-authorization: (.*)$/im.exec(text)?.[1] ?? "none");
        const server = connect(
          { host, port: Number(port) },
          () => server.write(text.replace(/ http:\/\/[^/]+/, " "), "latin1"),
        );
        server.pipe(client).on("error", () => {});
        server.on("error", () => client.destroy());
      });
      client.on("error", () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const env = userEnv({
      UV_DEFAULT_INDEX: `${index.url}/simple`,
      HTTP_PROXY: `http://user:pass-word@127.0.0.1:${port}`,
    });
    const environments = createEnvironments({ cacheDir: await temporaryFolder(), uv: await sharedUv(), env });
    const request = { dependencies: ["cake"], isolation: "venv" } as const;
    const record = await environments.build(await temporaryFolder(), request);
    expect(record.install_unenforced).toBeUndefined();
    expect([...seen]).toEqual([`Basic ${btoa("user:pass-word")}`]);
  });
});
