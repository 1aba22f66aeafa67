// Packs the project as npm would publish it, installs it in an empty project without our overrides, and uses it there:
// as a library and from the command line.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

const root = resolve(import.meta.dirname, "..");
const place = mkdtempSync(join(tmpdir(), "skillwright-packed-"));
const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  devDependencies: Record<string, string>;
};
const peers = ["@langchain/core", "@langchain/langgraph", "@langchain/langgraph-sdk", "langchain"].map((
  name,
) => `${name}@${devDependencies[name]}`);

function run(command: string, args: readonly string[], cwd = place): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

try {
  run("npm", ["run", "build"], root);
  run("npm", ["pack", "--pack-destination", place, "--silent"], root);
  run("npm", [
    "pack",
    "--pack-destination",
    place,
    "--silent",
    "--workspace",
    "@skillwright/all-minilm-l6-v2",
  ], root);
  writeFileSync(
    join(place, "package.json"),
    JSON.stringify({ name: "somebody", private: true, type: "module" }),
  );
  const packed = ["./skillwright-0.1.0.tgz", "./skillwright-all-minilm-l6-v2-1.0.0.tgz"];
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packed, ...peers]);
  writeFileSync(join(place, "use.js"), USE());
  console.log(run(process.execPath, ["use.js"]).trim());
  const bin = join(place, "node_modules", ".bin", "skillwright");
  const doctor = JSON.parse(
    run(process.execPath, [bin, "doctor", "--json", "--dir", join(place, "home")]),
  ) as { ok: boolean };
  if (!doctor.ok) throw new Error(`doctor in an empty project is not ok: ${JSON.stringify(doctor)}`);
  console.log("the packed tarball installs, imports, runs a skill and its command line answers");
} finally {
  rmSync(place, { recursive: true, force: true });
}

function USE(): string {
  return `
import { openSkills, skillTools } from "skillwright";
import "skillwright/middleware";
const skills = await openSkills({ dir: "./home" });
const tools = skillTools(skills, { mode: "full" }).map(({ name }) => name).join(" ");
if (tools !== "find_skills run_skill create_skill") throw new Error(tools);
await skills.close();
console.log("imports and opens a home");
`;
}
