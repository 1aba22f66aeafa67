// A host that waits in a call until it is killed: `hold-a-call.ts <backend | none> <tag> <folder>`. With `none` the
// same Python runs as a plain child.
import { spawn } from "node:child_process";
import process from "node:process";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";
import type { BackendName } from "../../../src/sandbox/types.ts";
import { fixture } from "../battery.ts";
import { RealPlace } from "../place.ts";

const [backend = "", tag = "", folder = ""] = process.argv.slice(2);
const code = fixture("attacker", "process");
// What this host leaves when it is killed lies in the folder of who kills it.
const sandbox = createSandbox({ backend: backend === "none" ? "unsafe-none" : backend as BackendName });
const place = await RealPlace.open(sandbox, backend as BackendName, folder);
if (backend === "none") {
  spawn(place.python.path, ["-I", "-S", "-c", `${code}\nignore_signals("", ${JSON.stringify(tag)})`], {
    stdio: "ignore",
  });
  setInterval(() => {}, 1000);
} else {
  await place.runner().call(place.program(code), { tool: "ignore_signals", input: { path: "", tag } });
}
