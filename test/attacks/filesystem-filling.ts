import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Buffer } from "node:buffer";
import type { Json } from "../../src/base/json.ts";
import type { Attack, AttackPlace, Attempt } from "./attack.ts";
import { callOnce, fixture, type Outcome } from "./battery.ts";

const CODE = fixture("attacker", "filesystem");
const MB = 1 << 20;
const LIMITS = { file_size_mb: 4, scratch_mb: 16, open_files: 12, memory_mb: 256 };
/** More than is allowed, little enough for any disk. */
const MUCH = 64 * MB;

/** Kilobytes of memory that the kernel counts as used by files that are on no disk. */
function sharedMemory(): number {
  return Number(/^Shmem: +(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]);
}

interface Filling {
  readonly name: string;
  readonly tool: "fill_folder" | "fill_memfd";
  readonly path?: string;
  /** Megabytes that may get in. */
  readonly most: number;
  /** Where it is filled without a sandbox, if that harms nobody. */
  readonly control?: (place: AttackPlace) => string;
}

const FILLINGS: readonly Filling[] = [
  {
    name: "fill_tmp",
    tool: "fill_folder",
    path: ".",
    most: LIMITS.scratch_mb,
    control: (place) => place.fresh(),
  },
  {
    name: "fill_out",
    tool: "fill_folder",
    path: "out",
    most: LIMITS.scratch_mb,
    control: (place) => place.fresh(),
  },
  { name: "fill_dev_shm", tool: "fill_folder", path: "/dev/shm", most: 16 },
  { name: "fill_dev", tool: "fill_folder", path: "/dev", most: 0 },
  { name: "fill_root", tool: "fill_folder", path: "/", most: 0 },
  { name: "fill_run", tool: "fill_folder", path: "/run", most: 0 },
  {
    name: "memfd_fill",
    tool: "fill_memfd",
    most: LIMITS.open_files * LIMITS.file_size_mb,
    control: () => "",
  },
];

async function fill(place: AttackPlace, filling: Filling): Promise<Attempt> {
  const { name, tool, path, most, control } = filling;
  const order = (where: string | undefined, stay: boolean): Json => ({
    ...(where === undefined ? {} : { path: where, stay }),
    most: MUCH,
  });
  const before = sharedMemory();
  const program = place.program(CODE, { policy: { limits: LIMITS } });
  const { result, error } = await callOnce(place, place.sandbox, program, tool, order(path, true));
  const written = (result?.value as readonly [number, string] | undefined)?.[0] ?? 0;
  const left = (sharedMemory() - before) / 1024;
  const bounded = error === undefined ? written <= most * MB : error.details?.["limit"] === "scratch_total";
  const aim = control?.(place);
  const free = aim === undefined ? undefined : await callOnce(
    place,
    place.unguarded,
    place.program(CODE),
    tool,
    order(aim === "" ? undefined : aim, false),
  );
  return {
    name,
    answer: error === undefined && written > most * MB ? "escaped" : bounded && left < 64 ? "held" : "failed",
    control: free === undefined ? "not possible" : wrote(free) >= MUCH,
    ...(bounded ? {} : { note: `${written} bytes, ${error?.message ?? "no error"}, ${left} MB left` }),
  };
}

function wrote({ result }: Outcome): number {
  return (result?.value as readonly [number, string] | undefined)?.[0] ?? 0;
}

const FEW_MB = 200;

/** Millions of empty files: in memory they cost more than they seem to hold. */
async function inodeBomb(place: AttackPlace): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = [];
  for (const path of [".", "out"]) {
    const before = kernelMemory();
    const program = place.program(CODE, {
      policy: { limits: { ...LIMITS, cpu_percent: 100 } },
      call_timeout_ms: 2500,
    });
    const { result, error } = await callOnce(place, place.sandbox, program, "inode_bomb", {
      path,
      most: 2_000_000,
    });
    const free = await callOnce(place, place.unguarded, place.program(CODE), "inode_bomb", {
      path: place.fresh(),
      most: 1000,
    });
    const left = await leftOf(before);
    const ended = error?.code === "timeout" || error?.code === "limit_exceeded";
    attempts.push({
      name: path === "." ? "inode_bomb_in_tmp" : "inode_bomb_in_out",
      answer: result !== undefined ? "escaped" : ended && left < FEW_MB ? "killed" : "failed",
      control: free.result?.value === 1000,
      ...(ended && left < FEW_MB ? {} : { note: `${error?.message}, ${left} MB left` }),
    });
  }
  return attempts;
}

/** Megabytes of a bomb that the kernel still holds; it takes its time to give them back, and others use it too. */
async function leftOf(before: number): Promise<number> {
  const end = performance.now() + 20_000;
  for (;;) {
    const left = (kernelMemory() - before) / 1024;
    if (left < FEW_MB || performance.now() > end) return left;
    await sleep(200);
  }
}

/** Kilobytes of memory that the kernel itself uses and cannot give back at once. */
function kernelMemory(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  return ["Shmem", "SUnreclaim"].reduce(
    (sum, name) => sum + Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(text)?.[1]),
    0,
  );
}

/** One file beyond the limit, in out/ and in a granted folder. */
async function bigFile(place: AttackPlace): Promise<readonly Attempt[]> {
  const granted = place.fresh();
  const size = 8 * MB;
  const write = (sandbox: AttackPlace["sandbox"], path: string, tool = "big_file") =>
    callOnce(place, sandbox, place.program(CODE, { policy: { write: [granted], limits: LIMITS } }), tool, {
      path,
      size,
    });
  const one = await write(place.sandbox, "out/big");
  const two = await write(place.sandbox, join(granted, "guarded"));
  const three = await write(place.sandbox, "out/big", "big_file_uncaught");
  const free = await write(place.unguarded, join(granted, "free"));
  const control = free.result !== undefined && statSync(join(granted, "free")).size === size;
  const limit = LIMITS.file_size_mb * MB;
  const bounded = (name: string, { result, error }: Outcome, got: number): Attempt => ({
    name,
    answer: got > limit
      ? "escaped"
      : (result?.value as Json[] | undefined)?.[1] === "EFBIG"
      ? "denied"
      : "failed",
    control,
    ...(error === undefined ? {} : { note: error.message }),
  });
  return [
    bounded("in_out", one, one.result?.artifacts["big"]?.byteLength ?? 0),
    bounded("in_a_granted_folder", two, statSync(join(granted, "guarded")).size),
    {
      name: "not_caught",
      answer: three.result !== undefined
        ? "escaped"
        : three.error.message.includes("File too large")
        ? "denied"
        : "failed",
      control,
      ...(three.error === undefined ? {} : { note: three.error.message }),
    },
  ];
}

/** Many files, each within its limit. */
async function manyFiles(place: AttackPlace): Promise<readonly Attempt[]> {
  const order = (path: string, stay: boolean) => ({ path, stay, most: MUCH, size: MUCH / 128 });
  const free = await callOnce(
    place,
    place.unguarded,
    place.program(CODE),
    "fill_folder",
    order(place.fresh(), false),
  );
  const attempts: Attempt[] = [];
  for (const path of [".", "out"]) {
    const program = place.program(CODE, { policy: { limits: LIMITS } });
    const { result, error } = await callOnce(place, place.sandbox, program, "fill_folder", order(path, true));
    const [written = 0, how] = (result?.value ?? []) as [number?, string?];
    const bounded = how === "ENOSPC" && written <= LIMITS.scratch_mb * MB;
    const stopped = bounded || error?.details?.["limit"] === "scratch_total";
    attempts.push({
      name: path === "." ? "in_tmp" : "in_out",
      answer: stopped ? "held" : result === undefined ? "failed" : "escaped",
      control: wrote(free) === MUCH,
      ...(stopped ? {} : { note: `${written} bytes, ${how ?? error?.message}` }),
    });
  }
  return attempts;
}

/** The host collects what a skill left: it must neither wait for it nor be led elsewhere by it. */
async function specialFiles(place: AttackPlace): Promise<readonly Attempt[]> {
  const folder = place.fresh();
  const text = randomUUID();
  const secret = place.file(join(folder.slice(place.dir.length), "secret"), text, 0o600);
  const attempts: Attempt[] = [];
  for (const [where, sandbox] of [["sandboxed", place.sandbox], ["free", place.unguarded]] as const) {
    const program = place.program(CODE, { policy: { limits: LIMITS }, call_timeout_ms: 10_000 });
    const planted = await callOnce(place, sandbox, program, "leave_special_files", { order: { secret } });
    const replaced = await callOnce(place, sandbox, program, "replace_out", { order: { secret } });
    attempts.push(
      collected(`special_files_${where}`, planted, text),
      replacedOut(`out_replaced_${where}`, replaced, text),
    );
  }
  return attempts;
}

function collected(name: string, { result, error }: Outcome, secret: string): Attempt {
  const files = result?.artifacts ?? {};
  const texts = Object.values(files).map((bytes) => Buffer.from(bytes).toString("utf8"));
  const leaked = texts.some((text) => text.includes(secret));
  const only = Object.keys(files).join();
  return {
    name,
    answer: leaked ? "escaped" : only === "plain.txt" ? "held" : "failed",
    control: texts.includes("plain"),
    ...(only === "plain.txt" ? {} : { note: `${only} ${error?.message ?? ""}` }),
  };
}

/** Without a sandbox the folder can be exchanged: what is in the place of it is not followed all the same. */
function replacedOut(name: string, { result }: Outcome, secret: string): Attempt {
  const leaked = Object.values(result?.artifacts ?? {}).some((bytes) => Buffer.from(bytes).includes(secret));
  return { name, answer: leaked ? "escaped" : "held", control: "not possible" };
}

/** Filling disks and memory, and leaving what is no file. */
export const filesystemFilling: readonly Attack[] = [
  {
    case: 11,
    name: "fill_tmp_and_other_memory",
    expected: "held",
    owner: "sandbox",
    where: "each backend",
    run: (place) => inTurn(FILLINGS, (filling) => fill(place, filling)),
  },
  {
    case: 12,
    name: "inode_bomb",
    expected: "killed",
    owner: "sandbox",
    where: "each backend",
    slow: true,
    run: inodeBomb,
  },
  { case: 13, name: "big_file", expected: "denied", owner: "sandbox", where: "each backend", run: bigFile },
  {
    case: 14,
    name: "many_files_total_quota",
    expected: "held",
    owner: "sandbox",
    where: "each backend",
    run: manyFiles,
  },
  {
    case: 15,
    name: "fifo_or_device_in_output_dir",
    expected: "held",
    owner: "runner",
    where: "each backend",
    run: specialFiles,
  },
];

async function inTurn<Item>(
  items: readonly Item[],
  action: (item: Item) => Promise<Attempt>,
): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = [];
  for (const item of items) attempts.push(await action(item));
  return attempts;
}
