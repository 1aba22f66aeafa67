import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { sha256 } from "../../src/base/digest.ts";
import { runTool } from "../../src/environment/toolchain/run-tool.ts";
import { temporaryFolder, thisPython } from "./support.ts";

const MAKE = `import base64, hashlib, os, sys, zipfile
folder, *packages = sys.argv[1:]
os.chdir(folder)
for package in packages:
    name, version = package.split("==")
    info = "%s-%s.dist-info" % (name, version)
    files = {
        name + ".py": "VERSION = %r\\n" % version,
        info + "/METADATA": "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version),
        info + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\\n" % (path, digest, len(text))
    files[info + "/RECORD"] = record + info + "/RECORD,,\\n"
    with zipfile.ZipFile("%s-%s-py3-none-any.whl" % (name, version), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
`;

/** A server of this test, and what it was asked for. */
export interface TestServer {
  readonly url: string;
  readonly asked: readonly string[];
}

/** Serves until the test is over. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestServer> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  onTestFinished(() => server.closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Folder of wheels `name==version`, each one module that says its version. */
export async function wheels(...packages: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  const { path } = await thisPython();
  const args = ["-I", "-c", MAKE, folder, ...packages];
  const made = await runTool({ command: path, args, env: {}, cwd: "/", timeout_ms: 30_000 });
  if (made.code !== 0) throw new Error(made.stderr);
  return folder;
}

/** Serves the files of a folder. */
export async function serveFiles(folder: string): Promise<TestServer> {
  return await serve((request, response) => {
    readFile(join(folder, request.url ?? "")).then((data) => response.end(data), () => {
      response.writeHead(404).end();
    });
  });
}

/** A package index of a folder of wheels, whose pages link to files on another server. */
export async function serveIndex(folder: string, files: () => TestServer): Promise<TestServer> {
  const names = await readdir(folder);
  const digests = new Map<string, string>();
  for (const name of names) digests.set(name, sha256(await readFile(join(folder, name))));
  return await serve((request, response) => {
    const wanted = /^\/simple\/([^/]+)\/$/.exec(request.url ?? "")?.[1];
    const own = names.filter((name) => name.startsWith(`${wanted}-`));
    if (own.length === 0) {
      response.writeHead(404).end();
      return;
    }
    const links = own.map((name) =>
      `<a href="${files().url}/${name}#sha256=${digests.get(name)}">${name}</a>`
    );
    response.setHeader("Content-Type", "text/html");
    response.end(`<!DOCTYPE html><html><body>${links.join("<br>")}</body></html>`);
  });
}
