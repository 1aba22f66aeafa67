import { describe, expect, test } from "vitest";
import process from "node:process";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import type { SandboxBackend, SandboxPolicy } from "../../src/sandbox/types.ts";
import { backendsHere, LIMITS, Place, run, type RunResult } from "./support.ts";

const backends = await backendsHere();

async function inPlace(
  backend: SandboxBackend,
  code: string,
  policy: Partial<SandboxPolicy> = {},
): Promise<RunResult> {
  using place = new Place();
  return await run(backend, place, code, policy);
}

for (const { name, backend, skip } of backends) {
  describe.skipIf(skip).concurrent(`${name}${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
    test("memory ends in MemoryError", async () => {
      const { out } = await inPlace(
        backend,
        "try:\n  blocks=[]\n  while 1: blocks.append(bytearray(10<<20))\nexcept MemoryError:\n  n=len(blocks)\n  del blocks\n  print(n)",
      );
      expect(Number(out)).toBeGreaterThan(3);
      expect(Number(out)).toBeLessThan(13);
    });

    test("shared memory ends at four times the limit", async () => {
      const { out } = await inPlace(
        backend,
        "import mmap\nmaps=[]\ntry:\n  while 1: maps.append(mmap.mmap(-1,10<<20))\nexcept (OSError, MemoryError): print(len(maps))",
      );
      expect(Number(out)).toBeLessThan(52);
    });

    test("a file ends at its size", async () => {
      const { out } = await inPlace(
        backend,
        "open('out/fits','wb').write(b'x'*(2<<20))\ntry: open('out/big','wb').write(b'x'*(3<<20))\nexcept OSError as e: print(e.errno)",
      );
      expect(out.trim()).toBe("27");
    });

    test("descriptors run out", async () => {
      const { out } = await inPlace(
        backend,
        "files=[]\ntry:\n  while 1: files.append(open('/dev/null'))\nexcept OSError as e: print(e.errno, len(files) < 64)",
      );
      expect(out.trim()).toBe("24 True");
    });

    test("threads run out", async () => {
      const { out } = await inPlace(
        backend,
        "import threading,os\ngate=threading.Event()\nn=0\ntry:\n  while n<5000:\n    threading.Thread(target=gate.wait,daemon=True).start(); n+=1\nexcept (RuntimeError,MemoryError): pass\nos.write(1,b'%d'%n)\nos._exit(0)",
      );
      expect(Number(out)).toBeGreaterThan(2);
      expect(Number(out)).toBeLessThan(200);
    });

    test("processor time ends the program with 152, or kills it when the signal is ignored", async () => {
      const limits = { ...LIMITS, cpu_seconds: 1 };
      const [plain, ignoring] = await Promise.all([
        inPlace(backend, "while 1: pass", { limits }),
        inPlace(backend, "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile 1: pass", {
          limits,
        }),
      ]);
      expect(plain.exit).toEqual({ code: 152, signal: null, limit: "cpu" });
      expect(ignoring.exit.limit).toBe("cpu");
      expect(ignoring.exit.signal === "SIGKILL" || ignoring.exit.code === 137).toBe(true);
    });

    test("a full scratch folder ends the program, or its writes", async () => {
      const { exit, out } = await inPlace(
        backend,
        "import errno\ntry:\n  for i in range(2000): open(f'{i}','wb').write(b'x'*(1<<20))\nexcept OSError as e: print(errno.errorcode[e.errno])\nelse:\n  import time; time.sleep(15)",
      );
      expect(exit.limit === "scratch_total" || out.trim() === "ENOSPC").toBe(true);
    });

    test("filling the output folder ends the program", async () => {
      const { exit } = await inPlace(
        backend,
        "import time\nfor i in range(40): open(f'out/{i}','wb').write(b'x'*(1<<20))\ntime.sleep(15)",
      );
      expect(exit.limit).toBe("scratch_total");
    });

    test("many empty files end the program", async () => {
      const { exit } = await inPlace(
        backend,
        "import time\nfor i in range(10100): open(f'out/{i}','w').close()\ntime.sleep(15)",
      );
      expect(exit.limit).toBe("scratch_total");
    });

    test("a share of the processor is kept by stopping the program", async () => {
      const limits = { ...LIMITS, cpu_percent: 20 };
      const spin =
        "import time\nend=time.monotonic()+3\nwhile time.monotonic()<end: pass\nprint(time.process_time())";
      const { out } = await inPlace(backend, spin, { limits });
      // One second at once, then a fifth: 1.6 of about 3 seconds, where 3 would be used.
      expect(Number(out)).toBeLessThan(2.4);
    });

    test.skipIf(process.arch !== "x64")("calls of another kind kill the program", async () => {
      const { exit, out } = await inPlace(
        backend,
        "import ctypes\nctypes.CDLL(None).syscall(ctypes.c_long(0x40000000|39))\nprint('alive')",
      );
      expect(out).toBe("");
      expect(exit.signal === "SIGSYS" || exit.code === 159).toBe(true);
    });

    test("a crash is told as one", async () => {
      const { exit } = await inPlace(backend, "import ctypes\nctypes.string_at(0)");
      expect(exit.signal === "SIGSEGV" || exit.code === 139).toBe(true);
    });

    test("threads, asyncio, temporary files and subfolders work", async () => {
      const { out, err } = await inPlace(
        backend,
        `
import asyncio, concurrent.futures, os, shutil, tempfile
with concurrent.futures.ThreadPoolExecutor() as pool: list(pool.map(str, range(9)))
asyncio.run(asyncio.sleep(0))
with tempfile.TemporaryDirectory() as folder:
    open(folder + "/a", "w").write("a")
    shutil.copy2(folder + "/a", "out/b")
os.makedirs("out/x/y")
shutil.rmtree("out/x")
open("local.txt", "w").write("x")
os.remove("local.txt")
print("fine", sorted(os.listdir("out")), os.getcwd() == os.environ["HOME"])
`,
      );
      expect({ out, err }).toEqual({ out: "fine ['b'] True\n", err: "" });
    });
  });
}

test("without a sandbox the same programs are not limited", async () => {
  const backend = createSandbox({ backend: "unsafe-none" });
  const { out } = await inPlace(
    backend,
    "b=bytearray(200<<20)\nopen('out/big','wb').write(b[:3<<20])\nf=[open('/dev/null') for _ in range(100)]\nprint('fine')",
  );
  expect(out.trim()).toBe("fine");
});
