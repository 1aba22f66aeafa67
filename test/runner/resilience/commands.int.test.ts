import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Runner, SkillProgram } from "../../../src/runner/types.ts";
import type { SandboxBackend } from "../../../src/sandbox/types.ts";
import { fixtureProgram, processesWith, temporaryFolder, testRunner, usableSandboxes } from "../support.ts";

/** A skill that speaks the protocol in nothing but what the shell itself can do. */
const SHELL_SKILL = `#!/bin/sh
while IFS= read -r line; do
  id=\${line#*'"id":'}; id=\${id%%,*}
  case $line in
    *'"handshake"'*) echo "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":$id,\\"result\\":{\\"name\\":\\"shell\\",\\"version\\":\\"1.0.0\\"}}" ;;
    *'"invoke"'*) echo "in the log" >&2; echo "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":$id,\\"result\\":\\"$1 $SECRET\\"}" ;;
    *'"shutdown"'*) echo "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":$id,\\"result\\":null}"; exit 0 ;;
  esac
done
`;

/** What a program that was started tries, each by the plainest means and by the system call itself. */
const ATTACK = `
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
x64 = os.uname().machine == "x86_64"
numbers = {"vfork": 58, "clone": 56, "execveat": 322} if x64 else {"clone": 220, "execveat": 281}
def tried(action):
    try:
        action()
        return "done"
    except OSError:
        return "refused"
def child(number, *args):
    pid = libc.syscall(number, *args)
    if pid == 0:
        os._exit(0)
    if pid < 0:
        raise OSError(ctypes.get_errno(), "no child")
    os.waitpid(pid, 0)
def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
def replaced(action):
    # Whether it went well shows in the exit code of a child, where there can be one.
    try:
        pid = os.fork()
    except OSError:
        pid = None
    if pid is None:
        return tried(action)
    if pid == 0:
        try:
            action()
        finally:
            os._exit(9)
    return "done" if os.waitpid(pid, 0)[1] == 0 else "refused"
def other():
    os.execv("/bin/true", ["true"])
def itself():
    os.execv("/proc/self/exe", [sys.executable, "-c", ""])
def keyed():
    path, argv = b"/bin/true", (ctypes.c_char_p * 2)(b"true", None)
    for key in (0, 1, 2**64 - 1):
        libc.syscall(59 if x64 else 221, path, argv, None, ctypes.c_ulong(key), ctypes.c_ulong(key))
    raise OSError(1, "refused")
def at():
    argv = (ctypes.c_char_p * 2)(b"true", None)
    libc.syscall(numbers["execveat"], -100, b"/bin/true", argv, None, 0)
    raise OSError(1, "refused")
print(json.dumps({
    "fork": tried(fork),
    "clone": tried(lambda: child(numbers["clone"], 17, 0, 0, 0, 0)),
    "spawn": tried(lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)),
    "exec other": replaced(other),
    "exec itself": replaced(itself),
    "exec with a guessed key": replaced(keyed),
    "execveat": replaced(at),
}))
`;

const BASE = fixtureProgram("functions.py");
const backends = await usableSandboxes();
const confining = backends.filter(({ name }) => name !== "unsafe-none");

/** A package of files, and a program of it. */
function packageOf(
  files: Readonly<Record<string, string>>,
  overrides: Partial<SkillProgram> = {},
): SkillProgram {
  const source = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(source, name), text, { mode: name.endsWith(".sh") ? 0o755 : 0o644 });
  }
  return { ...BASE, key: "shell", id: "shell", source, ...overrides };
}

function shellSkill(text: string = SHELL_SKILL): SkillProgram {
  const skill = packageOf({ "serve.sh": text }, { serve: "stdio", env: { SECRET: "env" } });
  return { ...skill, command: { path: join(skill.source, "serve.sh"), args: ["./serve.sh", "a word"] } };
}

const run = (runner: Runner, program: SkillProgram, words: readonly string[], input = {}) =>
  runner.command(program, words, { tool: "invoke", input });

describe.each(backends)("a declared command in $name", (sandbox: SandboxBackend) => {
  test("a skill made of a shell script starts, shakes hands, answers and leaves nothing", async () => {
    const runner = testRunner({}, sandbox), skill = shellSkill();
    const logged: string[] = [];
    runner.on("log", ({ text }) => void logged.push(text));
    const call = () => runner.call(skill, { tool: "invoke", input: { a: 1 } });
    expect(await call()).toMatchObject({ value: "a word env", sandbox: { backend: sandbox.name } });
    await call();
    await expect.poll(() => logged.join("")).toBe("in the log\n".repeat(2));
    expect(runner.list()).toMatchObject([{ id: "shell", state: "running", calls: 2 }]);
    await runner.close();
    expect(processesWith(runner.scratchRoot)).toEqual([]);
    expect(readdirSync(runner.scratchRoot)).toEqual([]);
  });

  test("a shell script as fallback gets the input and leaves files", async () => {
    const skill = packageOf({
      "fallback.sh":
        '#!/bin/sh\nread -r line\necho kept > out/file\necho "$1" >&2\necho "{\\"got\\":$line}"\n',
    });
    const result = await run(testRunner({}, sandbox), skill, ["./fallback.sh", "two words"], { n: 5 });
    expect(result).toMatchObject({ value: { got: { n: 5 } }, logs: "two words\n" });
    expect(Object.keys(result.artifacts)).toEqual(["file"]);
  });

  test("a Python file as fallback runs without any exec", async () => {
    const skill = packageOf({
      "fallback.py": "import json, sys\nprint(json.dumps([json.load(sys.stdin), sys.argv[1:], __name__]))\n",
    });
    const { value } = await run(testRunner({}, sandbox), skill, ["python", "fallback.py", "-x"], { n: 5 });
    expect(value).toEqual([{ n: 5 }, ["-x"], "__main__"]);
  });

  test("a program of the system as fallback: what isn't JSON is text, and no shell looks at it", async () => {
    const { value } = await run(testRunner({}, sandbox), packageOf({}), ["echo", "Fallback $HOME; *"]);
    expect(value).toBe("Fallback $HOME; *");
  });

  test("another exit code is an error with the last line that it printed", async () => {
    const skill = packageOf({ "fallback.sh": "#!/bin/sh\necho why >&2\nexit 3\n" });
    await expect(run(testRunner({}, sandbox), skill, ["./fallback.sh"])).rejects.toMatchObject({
      code: "tool_failed",
      message: '"./fallback.sh" of "shell" failed, exit code 3: why',
    });
  });

  test("one that hangs ends by its deadline, one that floods by its bound", async () => {
    const runner = testRunner({ maxMessageBytes: 2000 }, sandbox);
    const skill = packageOf({
      "flood.sh": "#!/bin/sh\nwhile :; do echo flood; done\n",
      "hang.sh": "#!/bin/sh\nwhile :; do :; done\n",
    });
    await expect(run(runner, skill, ["./flood.sh"])).rejects.toMatchObject({ code: "message_too_large" });
    const hanging = runner.command(skill, ["./hang.sh"], { tool: "invoke", input: {}, timeout_ms: 500 });
    await expect(hanging).rejects.toMatchObject({ code: "timeout" });
    expect(processesWith(runner.scratchRoot)).toEqual([]);
    expect(readdirSync(runner.scratchRoot)).toEqual([]);
  });

  test("close ends one that runs", async () => {
    const runner = testRunner({}, sandbox);
    const skill = packageOf({ "hang.sh": "#!/bin/sh\nwhile :; do :; done\n" });
    const hanging = run(runner, skill, ["./hang.sh"]).catch((error: unknown) => error);
    await expect.poll(() => processesWith(runner.scratchRoot).length, { timeout: 10_000 }).toBeGreaterThan(0);
    await runner.close();
    expect(await hanging).toMatchObject({ code: "closed" });
    expect(processesWith(runner.scratchRoot)).toEqual([]);
  });
});

describe.each(confining)("what a declared command can't do in $name", (sandbox: SandboxBackend) => {
  test("a started program starts no other, in its place or beside it", async () => {
    const attack = ["python", "-I", "-S", "-c", ATTACK];
    const control = await run(testRunner(), packageOf({}), attack);
    expect(control.value).toEqual({
      "fork": "done",
      "clone": "done",
      "spawn": "done",
      "exec other": "done",
      "exec itself": "done",
      "exec with a guessed key": "done",
      "execveat": "done",
    });
    const { value } = await run(testRunner({}, sandbox), packageOf({}), attack);
    const refused = Object.keys(control.value as object).map((name) => [name, "refused"]);
    expect(value).toEqual(Object.fromEntries(refused));
  });

  test.each([
    ["another program", "/bin/true && echo escaped"],
    ["a subshell", "(echo escaped)"],
    ["another program in its place", "exec /bin/echo escaped"],
    ["itself in its place", '[ "$1" = again ] && { echo escaped; exit; }; exec "$0" again'],
  ])("a shell script can't start %s", async (_what, line) => {
    const skill = packageOf({ "fallback.sh": `#!/bin/sh\n${line}\n` });
    const control = await run(testRunner(), skill, ["./fallback.sh"]).catch(() => ({ value: "escaped" }));
    expect(control.value).toBe("escaped");
    await expect(run(testRunner({}, sandbox), skill, ["./fallback.sh"])).rejects.toMatchObject({
      code: "tool_failed",
      message: expect.stringMatching(/Cannot fork|Operation not permitted|fork:/),
    });
  });

  test("it reads and writes no more than the skill itself", async () => {
    const outside = join(temporaryFolder(), "secret");
    writeFileSync(outside, "secret\n", { mode: 0o600 });
    const skill = packageOf({ "fallback.sh": `#!/bin/sh\nread -r x < ${outside} && echo "$x"\n` });
    expect((await run(testRunner(), skill, ["./fallback.sh"])).value).toBe("secret");
    await expect(run(testRunner({}, sandbox), skill, ["./fallback.sh"])).rejects.toMatchObject({
      code: "tool_failed",
    });
  });

  test("a grant of processes lets it start others, where that is enforced", async ({ skip }) => {
    const { enforced } = await sandbox.probe();
    if (!enforced.includes("process_spawn_allow")) skip("processes can't be granted here");
    const skill = packageOf({ "fallback.sh": "#!/bin/sh\n/bin/echo child; exec /bin/echo other\n" });
    const granted = { ...skill, policy: { ...skill.policy, spawn: true } };
    expect((await run(testRunner({}, sandbox), granted, ["./fallback.sh"])).value).toBe("child\nother");
  });
});

test.each([
  [["./missing.sh"], "the package has no such file"],
  [["./plain.txt"], "it is not executable"],
  [["no-such-program-anywhere"], "the system has no such program"],
  [["/bin/sh"], "its program is neither a name nor a file of the package"],
  [["./../serve.sh"], "must be written without"],
])("a command %j is refused before anything starts", async (words, reason) => {
  const skill = packageOf({ "plain.txt": "x" });
  await expect(run(testRunner(), skill, words)).rejects.toMatchObject({
    code: "start_failed",
    message: expect.stringContaining(reason),
  });
});
