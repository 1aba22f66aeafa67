import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import process from "node:process";
import { makeHome, openHome } from "./runner/echo-home.ts";
import { mcpSdk } from "./runner/mcp-rivals.ts";
import { mcpInterpreter } from "./runner/mcp-environment.ts";
const folder = await mkdtemp(join(tmpdir(), "q-"));
const interpreter = await mcpInterpreter();
const dir = join(folder, "home");
await makeHome(dir);
const VALUE = "x".repeat(100);
const med = (v: number[]) => (v.sort((a, b) => a - b)[v.length >> 1]! * 1000).toFixed(0);
for (let rep = 0; rep < 4; rep++) {
  const skills = await openHome(dir);
  const sdk = await mcpSdk(interpreter);
  const byIndex: number[][] = Array.from({ length: 40 }, () => []);
  const s: number[] = [];
  for (let i = 0; i < 200; i++) await skills.run("echo", { value: VALUE });
  for (let r = 0; r < 15; r++) {
    for (let i = 0; i < 40; i++) { const t = performance.now(); await skills.run("echo", { value: VALUE }); byIndex[i]!.push(performance.now() - t); }
    for (let i = 0; i < 40; i++) { const t = performance.now(); await sdk.call(VALUE); s.push(performance.now() - t); }
  }
  console.log("run", med(byIndex.flat()), "sdk", med(s), "|", byIndex.map(med).join(" "));
  await skills.close(); await sdk.end();
}
process.exit(0);
