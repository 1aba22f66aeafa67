import { spawnSync } from "node:child_process";
import process from "node:process";
import { expect, test } from "vitest";

test("importing the root starts no process, opens no file and loads no model", () => {
  const program = `
    import { readdirSync } from "node:fs";
    import process from "node:process";
    const descriptors = () => readdirSync("/proc/self/fd").length;
    await import("@langchain/langgraph");
    const before = descriptors();
    await import(${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)});
    await import(${JSON.stringify(new URL("../src/tools/middleware.ts", import.meta.url).href)});
    const children = readdirSync("/proc/self/task").flatMap((id) => {
      try { return (await_children(id)).split(" ").filter(Boolean); } catch { return []; }
    });
    function await_children(id) { return process.getBuiltinModule("fs").readFileSync("/proc/self/task/" + id + "/children", "utf8").trim(); }
    const maps = process.getBuiltinModule("fs").readFileSync("/proc/self/maps", "utf8");
    console.log(JSON.stringify({ opened: descriptors() - before, children, model: /onnxruntime/.test(maps) }));
  `;
  const args = "Deno" in globalThis
    ? ["eval", "--ext=ts", program]
    : ["--input-type=module-typescript", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    cwd: new URL("..", import.meta.url),
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({ opened: 0, children: [], model: false });
});
