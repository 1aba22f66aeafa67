import { expect, test } from "vitest";
import { PACKAGE_BOUNDS, packagePath, withFile } from "../../src/graph/package-files.ts";

test.each([
  "../x",
  "a/../../x",
  "/etc/passwd",
  "a\\b",
  "__proto__",
  "C:x",
  "",
  ".",
  "a//b",
  "a/",
  ".env",
  "a\0b",
  "~/x",
  "ä.py",
  "x".repeat(300),
])(
  "packagePath refuses %j",
  (path) => expect(() => packagePath(path)).toThrow(expect.objectContaining({ code: "invalid_package" })),
);

test("packagePath accepts paths below the package", () => {
  expect(packagePath("./tests/test_skill.py")).toBe("tests/test_skill.py");
  expect(packagePath("manifest.toml")).toBe("manifest.toml");
});

test("withFile holds the package to its bounds", () => {
  const half = "x".repeat(PACKAGE_BOUNDS.bytes / 2);
  const files = withFile(withFile({}, "a", half), "b", half);
  expect(() => withFile(files, "c", "x")).toThrow(/limit is 262144/);
  expect(Object.keys(withFile(files, "b", "x"))).toEqual(["a", "b"]);
  const many = Object.fromEntries(
    Array.from({ length: PACKAGE_BOUNDS.files }, (_, index) => [`f${index}`, ""]),
  );
  expect(() => withFile(many, "one_more", "")).toThrow(/65 files/);
});

test("withFile refuses what is not text", () => {
  expect(() => withFile({}, "a", "\ud800")).toThrow(/not text/);
  expect(() => withFile({}, "a", "\0")).toThrow(/not text/);
});
