import type { Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Gate } from "./gate.ts";
import { bytesOf, effectOfOpening, exists, halves, modeOf, option, pathOf } from "./paths.ts";

type Loose = (...given: readonly unknown[]) => Promise<unknown>;
type LooseMethod = (this: object, ...given: unknown[]) => Promise<unknown>;

/** Which file a handle was opened for. */
export type HandlePaths = WeakMap<object, string>;

/** Puts the gate before what file handles change. */
export async function watchFileHandles(gate: Gate, paths: HandlePaths): Promise<void> {
  const one = await open(fileURLToPath(import.meta.url));
  const prototype = Object.getPrototypeOf(one) as Record<string, LooseMethod>;
  await one.close();
  const wrap = (name: string, wrapper: (method: LooseMethod) => LooseMethod): void => {
    const method = prototype[name];
    if (method !== undefined) prototype[name] = wrapper(method);
  };
  const pathOfHandle = (handle: object): string => paths.get(handle) ?? "";
  for (const name of ["sync", "datasync"]) {
    wrap(name, (method) =>
      async function (...given) {
        gate.pass({ kind: "fsync", path: pathOfHandle(this) });
        return await method.apply(this, given);
      });
  }
  wrap("chmod", (method) =>
    async function (...given) {
      gate.pass({ kind: "chmod", path: pathOfHandle(this), mode: modeOf(given[0], 0) });
      return await method.apply(this, given);
    });
  for (const [name, kind] of [["utimes", "utimes"], ["chown", "chown"]] as const) {
    wrap(name, (method) =>
      async function (...given) {
        gate.pass({ kind, path: pathOfHandle(this) });
        return await method.apply(this, given);
      });
  }
  wrap("truncate", (method) =>
    async function (...given) {
      gate.pass({ kind: "truncate", path: pathOfHandle(this), length: Number(given[0] ?? 0) });
      return await method.apply(this, given);
    });
  const write = prototype["write"];
  wrap("write", (method) =>
    async function (...given) {
      const { bytes, at } = written(given);
      gate.pass({ kind: "write", path: pathOfHandle(this), bytes, at });
      return await method.apply(this, given);
    });
  for (const name of ["writeFile", "appendFile"]) {
    wrap(name, (method) =>
      async function (...given) {
        const bytes = bytesOf(given[0], option(given[1], "encoding"));
        if (bytes === undefined || write === undefined) {
          await method.apply(this, given);
          return;
        }
        for (const part of halves(bytes)) {
          gate.pass({ kind: "write", path: pathOfHandle(this), bytes: part, at: null });
          await writeAll(write.bind(this), part);
        }
      });
  }
}

/** Puts the gate before what the functions of `node:fs/promises` change. */
export function watchFiles(gate: Gate, promises: Record<string, unknown>, paths: HandlePaths): void {
  const original = { ...promises } as Record<string, Loose>;
  const call = (name: string, ...given: readonly unknown[]): Promise<unknown> => {
    const known = original[name];
    if (known === undefined) throw new Error(`node:fs/promises has no ${name}`);
    return known(...given);
  };

  promises["open"] = async (path: unknown, flags: unknown, mode: unknown): Promise<unknown> => {
    const place = pathOf(path);
    const effect = effectOfOpening(place, flags);
    if (effect === "create") gate.pass({ kind: "create", path: place, mode: modeOf(mode, 0o666) });
    if (effect === "truncate") gate.pass({ kind: "truncate", path: place, length: 0 });
    const handle = await call("open", path, flags, mode) as object;
    paths.set(handle, place);
    return handle;
  };
  const openFile = promises["open"] as (...given: readonly unknown[]) => Promise<FileHandle>;

  for (const [name, flag] of [["writeFile", "w"], ["appendFile", "a"]] as const) {
    promises[name] = async (path: unknown, data: unknown, options: unknown): Promise<void> => {
      if (typeof path === "object" && path !== null && paths.has(path)) {
        return await (path as FileHandle).writeFile(data as string);
      }
      if (bytesOf(data, undefined) === undefined) return void await call(name, path, data, options);
      const file = await openFile(path, option(options, "flag") ?? flag, option(options, "mode"));
      try {
        await file.writeFile(bytesOf(data, option(options, "encoding")) ?? "");
        if (option(options, "flush") === true) await file.sync();
      } finally {
        await file.close();
      }
    };
  }

  promises["mkdir"] = async (path: unknown, options: unknown): Promise<unknown> => {
    const place = pathOf(path), given = typeof options === "object" ? option(options, "mode") : options;
    const mode = modeOf(given, 0o777);
    if (option(options, "recursive") !== true) {
      if (!exists(place)) gate.pass({ kind: "mkdir", path: place, mode });
      return await call("mkdir", path, options);
    }
    let first: string | undefined;
    for (const folder of missing(place)) {
      gate.pass({ kind: "mkdir", path: folder, mode });
      // Somebody else may have been faster.
      await call("mkdir", folder, { mode }).then(() => (first ??= folder), ignoring("EEXIST"));
    }
    await call("mkdir", path, options);
    return first;
  };

  promises["rm"] = async (path: unknown, options: unknown): Promise<void> => {
    const place = pathOf(path);
    const found = await (call("lstat", place) as Promise<Stats>).catch(ignoring("ENOENT", "ENOTDIR"));
    if (found === undefined || (found.isDirectory() && option(options, "recursive") !== true)) {
      return void await call("rm", path, options);
    }
    const gone = option(options, "force") === true ? ignoring("ENOENT") : rethrow;
    await removeTree(place, found.isDirectory(), gone);
  };
  async function removeTree(place: string, folder: boolean, gone: (error: unknown) => void): Promise<void> {
    if (folder) {
      const entries = await call("readdir", place, { withFileTypes: true }).catch(gone) as
        | readonly { readonly name: string; isDirectory(): boolean }[]
        | undefined;
      for (const entry of entries ?? []) await removeTree(join(place, entry.name), entry.isDirectory(), gone);
    }
    const kind = folder ? "rmdir" : "unlink";
    gate.pass({ kind, path: place });
    await call(kind, place).catch(gone);
  }

  for (const kind of ["unlink", "rmdir"] as const) {
    promises[kind] = async (path: unknown, ...more: readonly unknown[]): Promise<unknown> => {
      if (exists(pathOf(path))) gate.pass({ kind, path: pathOf(path) });
      return await call(kind, path, ...more);
    };
  }
  for (const kind of ["rename", "link"] as const) {
    promises[kind] = async (from: unknown, to: unknown): Promise<unknown> => {
      if (exists(pathOf(from))) gate.pass({ kind, path: pathOf(from), to: pathOf(to) });
      return await call(kind, from, to);
    };
  }
  promises["symlink"] = async (target: unknown, path: unknown, type: unknown): Promise<unknown> => {
    gate.pass({ kind: "symlink", path: pathOf(path), to: String(target) });
    return await call("symlink", target, path, type);
  };
  for (const name of ["chmod", "lchmod"]) {
    promises[name] = async (path: unknown, mode: unknown): Promise<unknown> => {
      gate.pass({ kind: "chmod", path: pathOf(path), mode: modeOf(mode, 0) });
      return await call(name, path, mode);
    };
  }
  promises["truncate"] = async (path: unknown, length: unknown = 0): Promise<unknown> => {
    gate.pass({ kind: "truncate", path: pathOf(path), length: Number(length) });
    return await call("truncate", path, length);
  };
  for (
    const [name, kind] of [["utimes", "utimes"], ["lutimes", "utimes"], ["chown", "chown"], [
      "lchown",
      "chown",
    ]] as const
  ) {
    promises[name] = async (path: unknown, ...more: readonly unknown[]): Promise<unknown> => {
      gate.pass({ kind, path: pathOf(path) });
      return await call(name, path, ...more);
    };
  }
  for (const name of ["copyFile", "cp"]) {
    promises[name] = async (from: unknown, to: unknown, ...more: readonly unknown[]): Promise<unknown> => {
      gate.pass({ kind: "copy", path: pathOf(to) });
      return await call(name, from, to, ...more);
    };
  }
  promises["mkdtemp"] = async (prefix: unknown, ...more: readonly unknown[]): Promise<unknown> => {
    gate.pass({ kind: "mkdir", path: `${pathOf(prefix)}XXXXXX`, mode: 0o700 });
    return await call("mkdtemp", prefix, ...more);
  };
}

/** The folders that have to be made so that this one exists, the outermost first. */
export function missing(path: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = path; !exists(folder) && dirname(folder) !== folder; folder = dirname(folder)) {
    folders.unshift(folder);
  }
  return folders;
}

function written(given: readonly unknown[]): { readonly bytes: Uint8Array; readonly at: number | null } {
  const [data, second, third, fourth] = given;
  if (typeof data === "string") {
    return {
      bytes: bytesOf(data, third) ?? new Uint8Array(),
      at: typeof second === "number" ? second : null,
    };
  }
  const all = bytesOf(data, undefined) ?? new Uint8Array();
  const named = typeof second === "object" && second !== null;
  const [from, length, at] = named
    ? [option(second, "offset"), option(second, "length"), option(second, "position")]
    : [second, third, fourth];
  const start = typeof from === "number" ? from : 0;
  const end = typeof length === "number" ? start + length : all.length;
  return { bytes: all.subarray(start, end), at: typeof at === "number" ? at : null };
}

async function writeAll(write: Loose, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await write(bytes, done, bytes.length - done, null) as { bytesWritten: number };
    done += bytesWritten;
  }
}

function ignoring(...codes: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  };
}

function rethrow(error: unknown): never {
  throw error;
}
