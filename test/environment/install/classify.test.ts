import { describe, expect, it } from "vitest";
import { classifyUvFailure } from "../../../src/environment/install/classify.ts";
import { parseRequirements } from "../../../src/environment/install/requirement.ts";

const asked = parseRequirements([
  "six==99",
  "docopt==0.6.2",
  "no-such-package",
  "httpx==0.28.1",
  "httpcore==0.9.0",
  "attrs",
]);

/** What uv 0.11.33 (boxes, wrapped) and 0.13.8 printed for the same case. */
const CASES: readonly (readonly [string, string, string, string, string | undefined])[] = [
  [
    "source_only",
    "dependency_refused",
    `  × No solution found when resolving dependencies:
  ╰─▶ Because docopt==0.6.2 has no usable wheels and you require
      docopt==0.6.2, we can conclude that your requirements are unsatisfiable.

hint: Wheels are required for \`docopt\` because building from source is disabled for all packages (i.e., with \`--no-build\`)`,
    `error: No solution found when resolving dependencies
  cause: Because docopt==0.6.2 has no usable wheels and you require docopt==0.6.2, we can conclude that your requirements are unsatisfiable.

hint: Wheels are required for \`docopt\` because building from source is disabled for all packages (i.e., with \`--no-build\`)`,
    "docopt==0.6.2",
  ],
  [
    "package_not_found",
    "dependency_unsatisfiable",
    `  × No solution found when resolving dependencies:
  ╰─▶ Because no-such-package was not found in the package registry
      and you require no-such-package, we can conclude that your
      requirements are unsatisfiable.`,
    `error: No solution found when resolving dependencies
  cause: Because no-such-package was not found in the package registry and you require no-such-package, we can conclude that your requirements are unsatisfiable.`,
    "no-such-package",
  ],
  [
    "version_not_found",
    "dependency_unsatisfiable",
    `  × No solution found when resolving dependencies:
  ╰─▶ Because there is no version of six==99 and you require six==99, we can
      conclude that your requirements are unsatisfiable.`,
    `error: No solution found when resolving dependencies
  cause: Because there is no version of six==99 and you require six==99, we can conclude that your requirements are unsatisfiable.`,
    "six==99",
  ],
  [
    "unsatisfiable",
    "dependency_unsatisfiable",
    `  × No solution found when resolving dependencies:
  ╰─▶ Because httpx==0.28.1 depends on httpcore>=1.dev0 and you require
      httpcore==0.9.0, we can conclude that your requirements and
      httpx==0.28.1 are incompatible.
      And because you require httpx==0.28.1, we can conclude that your
      requirements are unsatisfiable.`,
    `error: No solution found when resolving dependencies
  cause: Because httpx==0.28.1 depends on httpcore>=1.dev0 and you require httpcore==0.9.0, we can conclude that your requirements and httpx==0.28.1 are incompatible.
         And because you require httpx==0.28.1, we can conclude that your requirements are unsatisfiable.`,
    "httpx==0.28.1",
  ],
  [
    "index_unreachable",
    "index_unreachable",
    `error: Request failed after 1 retry in 2.0s
  Caused by: Failed to fetch: \`http://127.0.0.1:1/simple/six/\`
  Caused by: error sending request for url (http://127.0.0.1:1/simple/six/)
  Caused by: tcp connect error`,
    `error: Request failed after 1 retry in 1.4s
  cause: Failed to fetch: http://127.0.0.1:1/simple/six/
  cause: tcp connect error
  cause: Connection refused (os error 111)`,
    undefined,
  ],
  [
    "certificate",
    "index_unreachable",
    `error: Failed to fetch: \`https://index.example/simple/zipp/\`
  Caused by: client error (Connect)
  Caused by: invalid peer certificate: UnknownIssuer`,
    `error: Failed to fetch: https://index.example/simple/zipp/
  cause: invalid peer certificate: UnknownIssuer`,
    undefined,
  ],
  [
    "not_cached",
    "index_unreachable",
    `  × No solution found when resolving dependencies:
  ╰─▶ Because attrs was not found in the cache and you require attrs, we can
      conclude that your requirements are unsatisfiable.

hint: Packages were unavailable because the network was disabled.`,
    `error: No solution found when resolving dependencies
  cause: Because attrs was not found in the cache and you require attrs, we can conclude that your requirements are unsatisfiable.

hint: Packages were unavailable because the network was disabled.`,
    "attrs",
  ],
];

describe("classifyUvFailure", () => {
  it.each(CASES)("says %s when either uv prints it", (reason, code, old, recent, requirement) => {
    const errors = [old, recent].map((text) => classifyUvFailure("lock", text, asked));
    for (const error of errors) {
      expect(error.code).toBe(code);
      expect(error.details).toMatchObject({ reason, step: "lock" });
      expect(error.details?.["requirement"]).toBe(requirement);
      expect(error.message).not.toMatch(/[×╰\n]|\.$/);
      expect(error.fix).toBeTruthy();
    }
    expect(errors[0]?.message).toBe(errors[1]?.message);
  });

  it.each([
    ["Hash mismatch for `six==1.16.0`\n\nExpected:\n  sha256:00", "dependency_refused", "hash_mismatch"],
    ["In `--require-hashes` mode, all requirements must have a hash", "dependency_refused", "hash_mismatch"],
    ["error: failed to write: No space left on device (os error 28)", "environment_failed", "disk_full"],
    ["error: No interpreter found for Python 3.14", "python_unavailable", "python_version"],
    ["error: TOML parse error at line 3, column 1", "invalid_script", "metadata_invalid"],
    ["error: something new", "environment_failed", "unknown"],
    ["", "environment_failed", "unknown"],
  ])("makes a typed error of %j", (text, code, reason) => {
    expect(classifyUvFailure("install", text, asked)).toMatchObject({ code, details: { reason } });
  });

  it("shows no credentials when uv prints the index with them", () => {
    const error = classifyUvFailure(
      "lock",
      "error: Failed to fetch: https://user:pass-word@index.example/simple/",
      asked,
    );
    expect(JSON.stringify(error.toValue())).not.toContain("pass-word");
    expect(JSON.stringify(error.toValue())).toContain("index.example");
  });

  it("says what contradicts what when nothing fulfils the requirements", () => {
    const [, , , [, , , recent]] = CASES as [unknown, unknown, unknown, readonly string[]];
    expect(classifyUvFailure("lock", recent ?? "", asked).message).toBe(
      "no set of versions fulfils the requirements: httpx==0.28.1 depends on httpcore>=1.dev0 and you require httpcore==0.9.0",
    );
  });
});
