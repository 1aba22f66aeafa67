import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import process from "node:process";
import { makeHome, openHome } from "./runner/echo-home.ts";
import { skillTool } from "../src/tools/skill-tools.ts";
import { benchProgram } from "./runner/bench-program.ts";
import { BarePipe } from "./runner/bare-pipe.ts";
const folder = await mkdtemp(join(tmpdir(), "q-"));
const dir = join(folder, "home");
await makeHome(dir);
const VALUE = "x".repeat(100);
const skills = await openHome(dir);
const [tool] = await skillTool(skills, "echo");
const pipe = new BarePipe((await benchProgram()).interpreter);
const v = { pipe: () => pipe.call(VALUE), run: () => skills.run("echo", { value: VALUE }), tool: () => tool!.invoke({ value: VALUE }) };
const med = (x: number[]) => (x.sort((a, b) => a - b)[x.length >> 1]! * 1000);
const out: Record<string, number[]> = {};
for (let r = 0; r < 40; r++) for (const [n, f] of Object.entries(v)) {
  const t: number[] = [];
  for (let i = 0; i < 200; i++) { const s = performance.now(); await f(); t.push(performance.now() - s); }
  if (r > 8) (out[n] ??= []).push(med(t));
}
console.log(process.cwd(), Object.entries(out).map(([n, t]) => `${n} ${Math.min(...t).toFixed(1)} ${(t.sort((a, b) => a - b)[t.length >> 1]!).toFixed(1)}`).join(" | "));
await skills.close(); await pipe.end(); process.exit(0);
