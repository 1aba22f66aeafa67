// A host that inherited an open file: runs a program in uv's place and prints which descriptors that one has.
import { readlinkSync } from "node:fs";
import process from "node:process";
import { openUv } from "../../src/environment/confinement/confined-uv.ts";
import type { UvNeeds } from "../../src/environment/confinement/uv-confinement.ts";
import { KnownHosts } from "../../src/environment/index/index-hosts.ts";

const { needs, fd } = JSON.parse(process.argv[2] ?? "{}") as { readonly needs: UvNeeds; readonly fd: number };
const uv = await openUv({ ...needs, known: new KnownHosts(`${needs.scratch}/known.json`) });
const code = `import os
found = []
for fd in range(1024):
    try: os.fstat(fd)
    except OSError: continue
    found.append(fd)
print(found)`;
const program = { program: needs.python.path, env: {} };
const { stderr } = await uv.run(["-IS", "-c", code], needs.room, 30_000, program);
await uv.close();
process.stdout.write(
  JSON.stringify({ own: readlinkSync(`/proc/self/fd/${fd}`), inside: JSON.parse(stderr) }),
);
