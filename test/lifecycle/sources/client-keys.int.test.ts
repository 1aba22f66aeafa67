import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { bareRepository } from "../support/bare-repository.ts";
import { romanSkill, type TestHome, testHome } from "../support/open-home.ts";

const HUB = fileURLToPath(new URL("./fixtures/git-hub.py", import.meta.url));
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of ends.splice(0).toReversed()) await end();
});

function home(): TestHome {
  const made = testHome();
  ends.push(() => made.close());
  return made;
}

/** A self-signed pair for both sides: each trusts the other's because it is its own. */
function keys(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=client-of-the-hub", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", ...made, ...subject], { stdio: "ignore" });
  return { cert, key };
}

/** Starts the hub; `clients` is filled with the names that asked. */
async function startHub(
  repository: string,
  { cert, key }: { readonly cert: string; readonly key: string },
): Promise<{ readonly port: number; readonly clients: string[] }> {
  const child = spawn("python3", [HUB, repository, cert, key], { stdio: ["ignore", "pipe", "ignore"] });
  ends.push(async () => {
    const gone = once(child, "close");
    child.kill("SIGKILL");
    await gone;
  });
  const clients: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`the hub ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = JSON.parse(line) as { port?: number; client?: string };
      if (said.port !== undefined) resolve(said.port);
      if (said.client !== undefined) clients.push(said.client);
    });
  });
  return { port, clients };
}

test.skipIf(!hasOpenssl)("remoteSource shows the hub its client keys over https", async () => {
  const place = home(), { folder, dir } = place;
  const pair = keys(folder);
  const bare = bareRepository(folder);
  const commit = bare.push(place.write("dev/roman", romanSkill()), "roman");
  const hub = await startHub(bare.url.replace("file://", ""), pair);
  // The user's git trusts the hub; what it shows the hub is only ours.
  writeFileSync(join(folder, ".gitconfig"), `[http]\n\tsslCAInfo = ${pair.cert}\n`);
  vi.stubEnv("HOME", folder);
  const remote = `https://127.0.0.1:${hub.port}/skills.git`;
  const dev = { folder: join(folder, "dev"), remote, branch: "main", client_cert: pair.cert };
  mkdirSync(dir);
  const library = await place.open({ settings: { spaces: { dev: { ...dev, client_key: pair.key } } } });
  expect(await library.remoteSource("roman", "dev")).toMatchObject({ url: remote, commit, source: "same" });
  expect(new Set(hub.clients)).toEqual(new Set(["client-of-the-hub"]));

  const unknown = await place.open({ settings: { registry: { remote, branch: "main" } } });
  await expect(unknown.remoteSource("roman", "workspace")).rejects.toMatchObject({
    code: "source_unreachable",
  });
});
