import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCES = fileURLToPath(new URL("../../src/lifecycle", import.meta.url));
const EXPORTED = /^export (?:abstract |async )?(?:function|class|const|interface|type) (\w+)/;

/** Exported names of a file without a comment that ends right above them. */
function uncommented(file: string): readonly string[] {
  const lines = readFileSync(join(SOURCES, file), "utf8").split("\n");
  return lines.flatMap((line, at) => {
    const name = EXPORTED.exec(line)?.[1];
    const isTold = lines[at - 1]?.trimEnd().endsWith("*/") === true;
    return name === undefined || isTold ? [] : [`${file}: ${name}`];
  });
}

test("every exported name of the lifecycle carries a doc comment", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts")
  );
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap(uncommented)).toEqual([]);
});
