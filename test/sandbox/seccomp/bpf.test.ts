import { describe, expect, test } from "vitest";
import { Buffer } from "node:buffer";
import { buildFilter, type FilterRules } from "../../../src/sandbox/seccomp/bpf.ts";
import { type FilterArch, SYSCALLS } from "../../../src/sandbox/seccomp/syscalls.ts";

const ALLOW = 0x7fff0000, KILL = 0x80000000;
const error = (number: number) => 0x00050000 | number;
const STRICT: FilterRules = { fork: true, exec: true, sockets: "all", outsiders: true };
const OUTER: FilterRules = { fork: true, exec: false, sockets: "local", outsiders: false };
const OPEN: FilterRules = { fork: false, exec: false, sockets: "local", outsiders: false };

/** What the kernel would answer: a machine for the five instructions that filters use. */
function decide(filter: Uint8Array, audit: number, number: number, args: readonly number[] = []): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(audit, 4);
  args.forEach((arg, index) => data.writeUInt32LE(arg >>> 0, 16 + index * 8));
  const code = Buffer.from(filter);
  let value = 0;
  for (let at = 0; at < code.length / 8; at++) {
    const operand = code.readUInt32LE(at * 8 + 4);
    const jump = (yes: boolean) => at += code.readUInt8(at * 8 + (yes ? 2 : 3));
    switch (code.readUInt16LE(at * 8)) {
      case 0x06:
        return operand;
      case 0x20:
        value = data.readUInt32LE(operand);
        break;
      case 0x15:
        jump(value === operand);
        break;
      case 0x35:
        jump(value >= operand);
        break;
      case 0x45:
        jump((value & operand) !== 0);
        break;
      default:
        throw new Error("an instruction that the kernel would refuse");
    }
  }
  throw new Error("the filter has no end");
}

describe.each(["x64", "arm64"] as const)("buildFilter for %s", (arch: FilterArch) => {
  const { audit, calls } = SYSCALLS[arch];
  const ask = (rules: FilterRules, name: string, ...args: number[]) => {
    const number = calls[name];
    if (number === undefined) throw new Error(`no ${name} on ${arch}`);
    return decide(buildFilter(rules, arch), audit, number, args);
  };

  test("kills calls of another architecture", () => {
    expect(decide(buildFilter(STRICT, arch), 0x40000003, 1)).toBe(KILL);
  });

  test("allows what it does not name", () => {
    for (const number of [0, 1, 3, 9, 63, 64, 222, 600]) {
      if (Object.values(calls).includes(number)) continue;
      expect(decide(buildFilter(STRICT, arch), audit, number)).toBe(ALLOW);
    }
  });

  test("denies new processes but not threads", () => {
    expect(ask(STRICT, "clone", 17)).toBe(error(1));
    expect(ask(STRICT, "clone", 0x00010000 | 0x100)).toBe(ALLOW);
    expect(ask(STRICT, "clone3")).toBe(error(38));
    expect(ask(OPEN, "clone", 17)).toBe(ALLOW);
    expect(ask(OPEN, "clone3")).toBe(ALLOW);
  });

  test("denies other programs in the inner filter only", () => {
    expect(ask(STRICT, "execve")).toBe(error(1));
    expect(ask(STRICT, "execveat")).toBe(error(1));
    expect(ask(OUTER, "execve")).toBe(ALLOW);
  });

  test("denies all sockets, or all but those of the internet protocols, or none", () => {
    for (const family of [1, 16, 17, 38, 40]) expect(ask(OUTER, "socket", family)).toBe(error(13));
    for (const family of [2, 10]) expect(ask(OUTER, "socket", family)).toBe(ALLOW);
    expect(ask({ ...OUTER, sockets: "none" }, "socket", 1)).toBe(ALLOW);
    expect(ask(STRICT, "socket", 2)).toBe(error(13));
  });

  test("denies typing into a terminal and outliving the host, not other uses of the same calls", () => {
    expect(ask(OPEN, "ioctl", 0, 0x5412)).toBe(error(1));
    expect(ask(OPEN, "ioctl", 0, 0x541c)).toBe(error(1));
    expect(ask(OPEN, "ioctl", 0, 0x5401)).toBe(ALLOW);
    expect(ask(OPEN, "prctl", 1, 0)).toBe(error(1));
    expect(ask(OPEN, "prctl", 15, 0)).toBe(ALLOW);
  });

  test("denies reaching other processes where there is no namespace", () => {
    expect(ask(STRICT, "kill", 1234, 9)).toBe(error(1));
    expect(ask(STRICT, "prlimit64", 1234)).toBe(error(1));
    expect(ask(STRICT, "prlimit64", 0)).toBe(ALLOW);
    expect(ask(STRICT, "fchmodat")).toBe(error(0));
    expect(ask(OUTER, "kill", 1, 9)).toBe(ALLOW);
    expect(ask(OUTER, "fchmodat")).toBe(ALLOW);
  });

  test.each(["ptrace", "bpf", "io_uring_setup", "unshare", "mount", "open_by_handle_at", "shmget"])(
    "always denies %s",
    (name) => {
      expect(ask(OPEN, name)).toBe(error(1));
    },
  );

  test("stays below the kernel's limit of instructions", () => {
    expect(buildFilter(STRICT, arch).byteLength / 8).toBeLessThan(4096);
  });
});

test("buildFilter kills the x32 calls of x64", () => {
  const { audit } = SYSCALLS.x64;
  expect(decide(buildFilter(OPEN, "x64"), audit, 0x40000000 | 39)).toBe(KILL);
  expect(decide(buildFilter(OPEN, "x64"), audit, -1)).toBe(KILL);
});
