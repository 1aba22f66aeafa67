import { describe, expect, it } from "vitest";
import { checkPins } from "../../../src/environment/install/pins.ts";
import { parseRequirements } from "../../../src/environment/install/requirement.ts";

const [A, B] = ["a".repeat(64), "b".repeat(64)];
const GOOD = `anyio==4.16.0 \\
    --hash=sha256:${A} \\
    --hash=sha256:${B}
httpx==0.28.1 \\
    --hash=sha256:${A}
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:${B}
`;
const asked = parseRequirements(["HTTPX>=0.27"]);
const refusal = (reason: string): unknown =>
  expect.objectContaining({ code: "dependency_refused", details: expect.objectContaining({ reason }) });

describe("checkPins", () => {
  it("reads names, versions, markers and hashes when every line is exact", () => {
    expect(checkPins(GOOD, asked)).toEqual([
      { name: "anyio", version: "4.16.0", marker: undefined, hashes: [A, B] },
      { name: "httpx", version: "0.28.1", marker: undefined, hashes: [A] },
      { name: "pywin32", version: "312", marker: "sys_platform == 'win32'", hashes: [B] },
    ]);
  });

  it.each([
    ["names a URL", GOOD.replace("httpx==0.28.1", "httpx @ https://example.com/httpx.whl"), "pin_form"],
    ["brings an index of its own", `--index-url https://example.com/simple\n${GOOD}`, "pin_form"],
    ["has no hash", GOOD.replace(` \\\n    --hash=sha256:${A}\npywin`, "\npywin"), "pin_without_hash"],
    ["has another version", GOOD.replace("httpx==0.28.1", "httpx==0.26.0"), "pin_version"],
    ["renames a package", GOOD.replace("httpx==", "httpxx=="), "pin_missing"],
    ["is editable", `-e ./httpx\n${GOOD}`, "pin_form"],
    ["includes another file", `-r other.txt\n${GOOD}`, "pin_form"],
    ["has a weak hash", GOOD.replaceAll("sha256", "md5"), "pin_without_hash"],
    ["has a short hash", GOOD.replaceAll(A, A.slice(1)), "pin_without_hash"],
    [
      "hides a URL behind a marker",
      GOOD.replace("'win32'", "'win32' @ https://example.com/x.whl"),
      "pin_form",
    ],
    ["is a range", GOOD.replace("httpx==", "httpx>="), "pin_form"],
    ["is empty", "", "pin_missing"],
  ])("refuses pins when one %s", (_, text, reason) => {
    expect(() => checkPins(text, asked)).toThrow(refusal(reason));
  });

  it("asks for no pin when a requirement applies on some machines only", () => {
    expect(checkPins("", parseRequirements(["colorama; sys_platform == 'win32'"]))).toEqual([]);
  });
});
