import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { secretKeyPath } from "../src/lifecycle/secrets/secret-key.ts";
import { trustFolder } from "../src/lifecycle/storage/trust.ts";

const TESTS = fileURLToPath(new URL(".", import.meta.url));

test("tests keep the user's settings in a temporary folder", () => {
  for (const path of [trustFolder(), secretKeyPath()]) expect(path.startsWith(tmpdir())).toBe(true);
  expect(process.env["SKILLWRIGHT_DIR"]).toBeUndefined();
});

test("tests open no home that they do not name", () => {
  const files = readdirSync(TESTS, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts")
  );
  const unnamed = files.filter((name) => /openSkills\(\s*\)/.test(readFileSync(join(TESTS, name), "utf8")));
  expect(files.length).toBeGreaterThan(100);
  expect(unnamed).toEqual([]);
});
