import { once } from "node:events";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { HostFolder } from "../../src/base/host-folder.ts";
import { runtimeArguments } from "../sandbox/support.ts";

const HOST = fileURLToPath(new URL("./hosts/folder-host.ts", import.meta.url));

function parent(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "skillwright-base-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a host that makes its folder below `place`; answers what it says, line by line. */
function startHost(place: string) {
  const host = spawn(process.execPath, [...runtimeArguments(HOST), place], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void host.kill("SIGKILL"));
  const line = async () => String((await once(host.stdout, "data"))[0]).trim();
  return { host, line };
}

test("a host folder is this user's only, and is gone when it is closed", async () => {
  const place = parent();
  const folder = new HostFolder(place);
  const path = await folder.path();
  expect(await folder.path()).toBe(path);
  expect(dirname(dirname(path))).toBe(place);
  expect(basename(dirname(path))).toBe(`skillwright-${process.getuid?.()}`);
  for (const each of [path, dirname(path)]) expect(lstatSync(each).mode & 0o777).toBe(0o700);
  const closed = join(path, "closed");
  mkdirSync(join(closed, "inner"), { recursive: true });
  chmodSync(closed, 0);
  await folder.close();
  expect(readdirSync(dirname(path))).toEqual([]);
});

test("a host folder is refused below a folder of the user that is a link, a file, or open to others", async () => {
  const name = `skillwright-${process.getuid?.()}`;
  const [link, file, open] = [parent(), parent(), parent()];
  symlinkSync(parent(), join(link, name));
  writeFileSync(join(file, name), "");
  mkdirSync(join(open, name));
  chmodSync(join(open, name), 0o770);
  for (const [place, found] of [[link, "is a link"], [file, "no folder"], [open, "mode is 770"]] as const) {
    await expect(new HostFolder(place).path()).rejects.toMatchObject({
      code: "start_failed",
      message: expect.stringContaining(found) as unknown,
    });
  }
  chmodSync(join(open, name), 0o750);
  await using folder = new HostFolder(open);
  expect(existsSync(await folder.path())).toBe(true);
});

test("the folder of a killed host goes with the next one, the folder of a living host stays", async () => {
  const place = parent();
  const outside = parent();
  writeFileSync(join(outside, "kept"), "");
  const [living, dead] = [startHost(place), startHost(place)];
  const [livingPath, deadPath] = [await living.line(), await dead.line()];
  mkdirSync(join(deadPath, "deep/er"), { recursive: true });
  chmodSync(join(deadPath, "deep"), 0);
  symlinkSync(outside, join(deadPath, "link"));
  const strange = join(dirname(deadPath), "not-ours");
  mkdirSync(strange);
  dead.host.kill("SIGKILL");
  await once(dead.host, "exit");
  await using next = new HostFolder(place);
  const own = await next.path();
  await next.close();
  expect(existsSync(own)).toBe(false);
  expect(existsSync(deadPath)).toBe(false);
  expect(existsSync(livingPath)).toBe(true);
  expect(existsSync(strange)).toBe(true);
  expect(readdirSync(outside)).toEqual(["kept"]);
});

test("two hosts that sweep at the same time leave nothing of the dead, and all of each other", async () => {
  const place = parent();
  const victims = Array.from({ length: 3 }, () => startHost(place));
  const paths = await Promise.all(victims.map(({ line }) => line()));
  for (const path of paths) {
    for (let at = 0; at < 50; at++) mkdirSync(join(path, `run-${at}/in`), { recursive: true });
  }
  await Promise.all(victims.map(({ host }) => {
    host.kill("SIGKILL");
    return once(host, "exit");
  }));
  const racers = [startHost(place), startHost(place)];
  const racing = await Promise.all(racers.map(({ line }) => line()));
  await expect.poll(() => readdirSync(dirname(racing[0] ?? "")).sort(), { timeout: 10_000 })
    .toEqual(racing.map((path) => basename(path)).sort());
  for (const { host } of racers) host.stdin.end();
  await Promise.all(racers.map(({ host }) => once(host, "exit")));
  expect(readdirSync(dirname(racing[0] ?? ""))).toEqual([]);
});
