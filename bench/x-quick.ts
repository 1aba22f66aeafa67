import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import process from "node:process";
import { makeHome, openHome } from "./runner/echo-home.ts";
import { mcpSdk } from "./runner/mcp-rivals.ts";
import { measure, repeat } from "./runner/measure.ts";
import { mcpInterpreter } from "./runner/mcp-environment.ts";
import { BarePipe } from "./runner/bare-pipe.ts";
import { skillTool } from "../src/tools/skill-tools.ts";
const folder = await mkdtemp(join(tmpdir(), "q-"));
const interpreter = await mcpInterpreter();
const dir = join(folder, "home");
await makeHome(dir);
const VALUE = "x".repeat(100);
const t = await repeat(Number(process.argv[2] ?? 3), async () => {
  const skills = await openHome(dir);
  const [tool] = await skillTool(skills, "echo");
  await skills.run("echo", { value: VALUE });
  const sdk = await mcpSdk(interpreter);
  const pipe = new BarePipe(interpreter);
  const variants = {
    run: () => skills.run("echo", { value: VALUE }),
    sdk: () => sdk.call(VALUE),
    tool: () => tool!.invoke({ value: VALUE }),
    pipe: () => pipe.call(VALUE),
  };
  await measure(variants, { rounds: 1, actions: 200 });
  const times = await measure(variants, { rounds: 15, actions: 40 });
  await Promise.all([skills.close(), sdk.end(), pipe.end()]);
  console.log(times);
  return times;
});
console.log(t, t.sdk / t.run, t.run / t.pipe);
process.exit(0);
