import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
beforeEach(() => void (home = testHome({ maxRestarts: 50, backoffMs: [1] })));
afterEach(() => home.close());

const SOURCE = `
import os

calls = 0


def moody(mood: str = "") -> str:
    global calls
    calls += 1
    if mood == "die":
        os._exit(3)
    if mood == "offline" and calls == 1:
        raise ConnectionResetError("the line is dead")
    if mood == "stubborn":
        raise ConnectionResetError("the line is dead")
    if mood == "wrong":
        raise ValueError("no")
    return "well"
`;

const MARKED = '[[tools]]\nname = "moody"\nidempotent = true\noutput_schema = { type = "string" }\n';

async function install(id: string, manifest: string, files: Record<string, string> = {}) {
  const library = await home.open();
  await library.install(home.write(id, {
    "manifest.toml":
      `id = "${id}"\nname = "${id}"\nversion = "1.0.0"\ndescription = "A skill of a test"\n${manifest}`,
    "skill.py": SOURCE,
    ...files,
  }));
  await library.activate(id);
  return library;
}

it("leaves a skill alone that keeps dying, tells when it tries again, and tries again", async () => {
  const breaker = "[resilience.circuit_breaker]\nfailure_threshold = 2\nrecovery_timeout = 1\n";
  const library = await install("s", breaker);
  const die = () => library.run("s", { mood: "die" });
  await expect(die()).rejects.toMatchObject({ code: "process_died" });
  await expect(die()).rejects.toMatchObject({ code: "process_died" });
  const refused = await die().catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: "circuit_open",
    details: { failures: 2, retry_in_ms: expect.any(Number), last_error: "process_died" },
  });
  expect(home.runner.list()).toEqual([]);
  await library.install(home.write("other", {
    "manifest.toml": 'id = "other"\nname = "other"\nversion = "1.0.0"\ndescription = "Another skill"\n',
    "skill.py": SOURCE,
  }));
  await library.activate("other");
  expect((await library.run("other", {})).value).toBe("well");
  await expect.poll(() => library.run("s", {}).then(({ value }) => value, () => "refused"), {
    timeout: 10_000,
  })
    .toBe("well");
  await expect(die()).rejects.toMatchObject({ code: "process_died" });
  expect((await library.run("s", {})).value).toBe("well");
});

it("quarantines a skill that dies once more when it is tried again", async () => {
  await home.close();
  home = testHome({ maxRestarts: 5, backoffMs: [1] });
  const library = await install("s", "[resilience.circuit_breaker]\nrecovery_timeout = 0.5\n");
  const codes = new Set<string>();
  const status = async () => {
    await library.run("s", { mood: "die" }).catch((error: { code: string }) => codes.add(error.code));
    return (await library.info("s")).status;
  };
  await expect.poll(status, { timeout: 15_000 }).toBe("quarantined");
  expect([...codes].slice(0, 2)).toEqual(["process_died", "circuit_open"]);
});

it("tries a tool again that is marked idempotent, no other, and no error of the tool's own", async () => {
  const library = await install("marked", MARKED);
  expect(await library.run("marked", { mood: "offline" })).toMatchObject({ value: "well", attempts: 2 });
  await expect(library.run("marked", { mood: "wrong" })).rejects.toMatchObject({ code: "tool_failed" });
  expect(home.runner.list()).toMatchObject([{ calls: 3 }]);
  const plain = await install("plain", "");
  await expect(plain.run("plain", { mood: "offline" })).rejects.toMatchObject({ code: "tool_failed" });
});

it("tries no more often than the short form says", async () => {
  const library = await install("s", `${MARKED}[resilience]\nretry_attempts = 1\n`);
  await expect(library.run("s", { mood: "stubborn" })).rejects.toMatchObject({ code: "tool_failed" });
  expect(home.runner.list()).toMatchObject([{ calls: 2 }]);
});

it("answers by the fallback command when the skill fails, and says so", async () => {
  const library = await install(
    "s",
    `${MARKED}[resilience]\nfallback_command = "python fallback.py 'a b'"\n`,
    {
      "fallback.py":
        "import json, sys\nprint(json.dumps(json.load(sys.stdin)['mood'] + ' ' + sys.argv[1]))\n",
    },
  );
  expect(await library.run("s", { mood: "die" })).toMatchObject({
    value: "die a b",
    fallback: true,
    logs: expect.stringContaining("the skill failed, and its fallback answered"),
  });
  const well = await library.run("s", {});
  expect(well.value).toBe("well");
  expect(well).not.toHaveProperty("fallback");
  await expect(library.run("s", { mood: 5 })).rejects.toMatchObject({ code: "invalid_input" });
});

it("holds the fallback's answer against the output schema as well", async () => {
  const library = await install("s", `${MARKED}[resilience]\nfallback_command = "echo 5"\n`);
  await expect(library.run("s", { mood: "die" })).rejects.toMatchObject({ code: "invalid_output" });
});

it("ends all tries by the time that the manifest gives them together", async () => {
  const library = await install("s", "[resilience]\ntimeout = 0.5\n", {
    "skill.py": "import time\n\n\ndef invoke() -> str:\n    time.sleep(60)\n    return ''\n",
  });
  await expect(library.run("s", {})).rejects.toMatchObject({ code: "timeout", details: { timeout_ms: 500 } });
});

it("serves a skill that is a shell script: install, test, activate, run", async () => {
  const library = await home.open();
  const folder = home.write("shell", {
    "manifest.toml": 'id = "shell"\nname = "Shell"\nversion = "1.0.0"\ndescription = "Speaks by itself"\n' +
      'command = ["./bin/serve.sh", "a word"]\n',
    "bin/serve.sh": `#!/bin/sh
while IFS= read -r line; do
  id=\${line#*'"id":'}; id=\${id%%,*}
  case $line in
    *'"handshake"'*) result='{"name":"shell","version":"1.0.0"}' ;;
    *'"invoke"'*) result="\\"$1\\"" ;;
    *) result=null ;;
  esac
  echo "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":$id,\\"result\\":$result}"
done
`,
  });
  const refused = await library.validate(folder);
  expect(refused).toMatchObject({
    ok: false,
    findings: [{ rule: "manifest/command", message: expect.stringContaining("it is not executable") }],
  });
  chmodSync(join(folder, "bin/serve.sh"), 0o755);
  const checked = await library.validate(folder);
  expect(checked).toMatchObject({
    ok: true,
    serve: "stdio",
    findings: [{ rule: "security/command", severity: "warning" }],
  });
  await library.install(folder);
  expect((await library.test("shell")).passed).toBe(true);
  await library.activate("shell");
  expect((await library.run("shell", {})).value).toBe("a word");
});
