import { spawnSync } from "node:child_process";
import process from "node:process";
import { expect, test } from "vitest";

const PROGRAM = `
  import { readdirSync, readFileSync, readlinkSync } from "node:fs";
  const open = () => readdirSync("/proc/self/fd").flatMap((fd) => {
    try { return [readlinkSync("/proc/self/fd/" + fd)]; } catch { return []; }
  });
  await import("@langchain/langgraph");
  const before = new Set(open());
  await import(INDEX);
  await import(MIDDLEWARE);
  const tasks = readdirSync("/proc/self/task");
  const children = tasks.map((id) => readFileSync("/proc/self/task/" + id + "/children", "utf8").trim()).filter(Boolean);
  const files = open().filter((path) => path.startsWith("/") && !/^.(proc|dev)./.test(path) && !before.has(path));
  console.log(JSON.stringify({ files, children, model: /onnxruntime/.test(readFileSync("/proc/self/maps", "utf8")) }));
`;

test("importing the root starts no process, opens no file and loads no model", () => {
  const source = (path: string): string => JSON.stringify(new URL(`../src/${path}`, import.meta.url).href);
  const program = PROGRAM.replace("INDEX", source("index.ts")).replace(
    "MIDDLEWARE",
    source("tools/middleware.ts"),
  );
  const deno = "Deno" in globalThis;
  const args = deno ? ["eval", "--ext=ts", program] : ["--input-type=module-typescript", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    cwd: new URL("..", import.meta.url),
  });
  expect(stderr).toBe("");
  const { files, children, model } = JSON.parse(stdout) as {
    files: string[];
    children: string[];
    model: boolean;
  };
  // Deno keeps caches of its own open while it compiles.
  const ours = files.filter((path) => !(deno && /_cache_v\d+(-wal|-shm)?$|\/deno\//.test(path)));
  expect({ ours, children, model }).toEqual({ ours: [], children: [], model: false });
});
