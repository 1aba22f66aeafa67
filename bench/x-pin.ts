import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import process from "node:process";
import { makeHome, openHome } from "./runner/echo-home.ts";
import { BarePipe } from "./runner/bare-pipe.ts";
import { mcpInterpreter } from "./runner/mcp-environment.ts";
import { launch } from "../src/runner/launch.ts";
import { DEFAULT_LIMITS } from "../src/runner/limits.ts";
import { Deadline } from "../src/runner/deadline.ts";
import { programLaunch } from "../src/runner/program-launch.ts";
import { createRunner } from "../src/runner/runner.ts";
import { givenRoot } from "../src/runner/scratch.ts";
import { createSandbox } from "../src/sandbox/create-sandbox.ts";
import { benchProgram } from "./runner/bench-program.ts";
const folder = await mkdtemp(join(tmpdir(), "q-"));
const dir = join(folder, "home");
await makeHome(dir);
const VALUE = "x".repeat(100);
const skills = await openHome(dir);
const pipe = new BarePipe(await mcpInterpreter());
const sandbox = createSandbox(), scratchRoot = join(folder, "scratch");
const program = await benchProgram();
const runner = createRunner({ sandbox, scratchRoot });
const warm = await launch({ sandbox, scratchRoot: givenRoot(scratchRoot), limits: DEFAULT_LIMITS }, programLaunch(program, "serve", DEFAULT_LIMITS));
const inv = { tool: "echo", input: { value: VALUE } };
const v = {
  pipe: () => pipe.call(VALUE),
  exchange: () => warm.process.exchange("invoke", inv, { deadline: new Deadline(30000) }),
  runner: () => runner.call(program, inv),
  run: () => skills.run("echo", { value: VALUE }),
};
const med = (x: number[]) => (x.sort((a, b) => a - b)[x.length >> 1]! * 1000);
const out: Record<string, number[]> = {};
for (let r = 0; r < 12; r++) for (const [n, f] of Object.entries(v)) {
  const t: number[] = [];
  for (let i = 0; i < 500; i++) { const s = performance.now(); await f(); t.push(performance.now() - s); }
  if (r > 3) (out[n] ??= []).push(med(t));
}
for (const [n, t] of Object.entries(out)) console.log(n, Math.min(...t).toFixed(1), (t.sort((a,b)=>a-b)[t.length>>1]!).toFixed(1));
await skills.close(); process.exit(0);
