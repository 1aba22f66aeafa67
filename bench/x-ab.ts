import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import process from "node:process";
import { makeHome, openHome } from "./runner/echo-home.ts";
import { mcpAdapters, mcpSdk } from "./runner/mcp-rivals.ts";
import { measure, repeat } from "./runner/measure.ts";
import { mcpInterpreter } from "./runner/mcp-environment.ts";
import { skillTool } from "../src/tools/skill-tools.ts";
const folder = await mkdtemp(join(tmpdir(), "q-"));
const interpreter = await mcpInterpreter();
const dir = join(folder, "home");
await makeHome(dir);
const VALUE = "x".repeat(100);
const t = await repeat(5, async () => {
  const skills = await openHome(dir);
  const [tool] = await skillTool(skills, "echo");
  await skills.run("echo", { value: VALUE });
  const sdk = await mcpSdk(interpreter);
  const ad = await mcpAdapters(interpreter);
  const variants = {
    run: () => skills.run("echo", { value: VALUE }),
    sdk: () => sdk.call(VALUE),
    tool: () => tool!.invoke({ value: VALUE }),
    ad: () => ad.call(VALUE),
  };
  await measure(variants, { rounds: 1, actions: 200 });
  const times = await measure(variants, { rounds: 15, actions: 40 });
  await Promise.all([skills.close(), sdk.end(), ad.end()]);
  return times;
});
const f = (x: number) => (x * 1000).toFixed(0);
console.log(process.cwd(), "run", f(t.run), "tool", f(t.tool), "sdk", f(t.sdk), "ad", f(t.ad), "run ratio", (t.sdk / t.run).toFixed(2), "tool ratio", (t.ad / t.tool).toFixed(2));
process.exit(0);
