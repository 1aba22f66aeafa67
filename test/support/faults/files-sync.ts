import { join } from "node:path";
import { missing } from "./files.ts";
import type { Gate } from "./gate.ts";
import { bytesOf, effectOfOpening, exists, halves, modeOf, option, pathOf } from "./paths.ts";

type LooseSync = (...given: readonly unknown[]) => unknown;

/** Puts the gate before what the synchronous functions of `node:fs` change. */
export function watchFilesSync(gate: Gate, fs: Record<string, unknown>): void {
  const original = { ...fs } as Record<string, LooseSync>;
  const opened = new Map<number, string>();
  const call = (name: string, ...given: readonly unknown[]): unknown => {
    const known = original[name];
    if (known === undefined) throw new Error(`node:fs has no ${name}`);
    return known(...given);
  };
  const pathOfFile = (file: unknown): string => opened.get(Number(file)) ?? "";

  fs["openSync"] = (path: unknown, flags: unknown, mode: unknown): unknown => {
    const place = pathOf(path);
    const effect = effectOfOpening(place, flags);
    if (effect === "create") gate.pass({ kind: "create", path: place, mode: modeOf(mode, 0o666) });
    if (effect === "truncate") gate.pass({ kind: "truncate", path: place, length: 0 });
    const file = call("openSync", path, flags, mode);
    opened.set(Number(file), place);
    return file;
  };
  const openSync = fs["openSync"] as LooseSync;
  fs["closeSync"] = (file: unknown): unknown => {
    opened.delete(Number(file));
    return call("closeSync", file);
  };
  for (const name of ["fsyncSync", "fdatasyncSync"]) {
    fs[name] = (file: unknown): unknown => {
      gate.pass({ kind: "fsync", path: pathOfFile(file) });
      return call(name, file);
    };
  }
  fs["writeSync"] = (file: unknown, data: unknown, ...more: readonly unknown[]): unknown => {
    // The whole of it: who writes a part of a buffer is not to be found here.
    gate.pass({
      kind: "write",
      path: pathOfFile(file),
      bytes: bytesOf(data, undefined) ?? new Uint8Array(),
      at: null,
    });
    return call("writeSync", file, data, ...more);
  };
  for (const [name, flag] of [["writeFileSync", "w"], ["appendFileSync", "a"]] as const) {
    fs[name] = (path: unknown, data: unknown, options: unknown): void => {
      const bytes = bytesOf(data, option(options, "encoding"));
      if (bytes === undefined) return void call(name, path, data, options);
      const file = typeof path === "number"
        ? path
        : openSync(path, option(options, "flag") ?? flag, option(options, "mode"));
      try {
        for (const part of halves(bytes)) {
          gate.pass({ kind: "write", path: pathOfFile(file), bytes: part, at: null });
          for (let done = 0; done < part.length;) {
            done += Number(call("writeSync", file, part, done, part.length - done));
          }
        }
        if (option(options, "flush") !== true) return;
        gate.pass({ kind: "fsync", path: pathOfFile(file) });
        call("fsyncSync", file);
      } finally {
        if (typeof path !== "number") (fs["closeSync"] as LooseSync)(file);
      }
    };
  }
  fs["mkdirSync"] = (path: unknown, options: unknown): unknown => {
    const place = pathOf(path), given = typeof options === "object" ? option(options, "mode") : options;
    const mode = modeOf(given, 0o777);
    if (option(options, "recursive") !== true) {
      if (!exists(place)) gate.pass({ kind: "mkdir", path: place, mode });
      return call("mkdirSync", path, options);
    }
    const folders = missing(place);
    for (const folder of folders) {
      gate.pass({ kind: "mkdir", path: folder, mode });
      if (!exists(folder)) call("mkdirSync", folder, { mode });
    }
    call("mkdirSync", path, options);
    return folders[0];
  };
  fs["rmSync"] = (path: unknown, options: unknown): void => {
    const place = pathOf(path);
    const folder = isFolder(place);
    if (!exists(place) || (folder && option(options, "recursive") !== true)) {
      return void call("rmSync", path, options);
    }
    removeTree(place, folder);
  };
  function removeTree(place: string, folder: boolean): void {
    const names = folder ? call("readdirSync", place) as readonly string[] : [];
    for (const name of names) removeTree(join(place, name), isFolder(join(place, name)));
    gate.pass({ kind: folder ? "rmdir" : "unlink", path: place });
    call(folder ? "rmdirSync" : "unlinkSync", place);
  }
  function isFolder(place: string): boolean {
    const found = call("lstatSync", place, { throwIfNoEntry: false }) as
      | { isDirectory(): boolean }
      | undefined;
    return found?.isDirectory() === true;
  }

  for (const kind of ["unlink", "rmdir"] as const) {
    fs[`${kind}Sync`] = (path: unknown, ...more: readonly unknown[]): unknown => {
      if (exists(pathOf(path))) gate.pass({ kind, path: pathOf(path) });
      return call(`${kind}Sync`, path, ...more);
    };
  }
  for (const kind of ["rename", "link"] as const) {
    fs[`${kind}Sync`] = (from: unknown, to: unknown): unknown => {
      if (exists(pathOf(from))) gate.pass({ kind, path: pathOf(from), to: pathOf(to) });
      return call(`${kind}Sync`, from, to);
    };
  }
  fs["symlinkSync"] = (target: unknown, path: unknown, type: unknown): unknown => {
    gate.pass({ kind: "symlink", path: pathOf(path), to: String(target) });
    return call("symlinkSync", target, path, type);
  };
  fs["chmodSync"] = (path: unknown, mode: unknown): unknown => {
    gate.pass({ kind: "chmod", path: pathOf(path), mode: modeOf(mode, 0) });
    return call("chmodSync", path, mode);
  };
  for (const [name, file] of [["truncateSync", false], ["ftruncateSync", true]] as const) {
    fs[name] = (given: unknown, length: unknown = 0): unknown => {
      const path = file ? pathOfFile(given) : pathOf(given);
      gate.pass({ kind: "truncate", path, length: Number(length) });
      return call(name, given, length);
    };
  }
  for (const name of ["copyFileSync", "cpSync"]) {
    fs[name] = (from: unknown, to: unknown, ...more: readonly unknown[]): unknown => {
      gate.pass({ kind: "copy", path: pathOf(to) });
      return call(name, from, to, ...more);
    };
  }
  fs["mkdtempSync"] = (prefix: unknown, ...more: readonly unknown[]): unknown => {
    gate.pass({ kind: "mkdir", path: `${pathOf(prefix)}XXXXXX`, mode: 0o700 });
    return call("mkdtempSync", prefix, ...more);
  };
}
