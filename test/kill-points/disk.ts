import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { sha256 } from "../../src/base/digest.ts";
import type { Operation } from "../support/faults/gate.ts";

/** A file, a folder or a link, as it is and as a power cut would leave it. */
type Node =
  | { readonly kind: "file"; bytes: Uint8Array; synced: Uint8Array; mode: number }
  | { readonly kind: "folder"; entries: Map<string, Node>; synced: Map<string, Node>; mode: number }
  | { readonly kind: "link"; readonly target: string };
type Folder = Extract<Node, { kind: "folder" }>;

/** A rename that no sync made durable yet. */
interface Rename {
  readonly from: Folder;
  readonly old: string;
  readonly to: Folder;
  readonly name: string;
  readonly node: Node;
}

/**
 * What a power cut leaves of what was not synced. `dropped`: entries of folders and bytes are as they were last synced.
 * `empty`: all entries are there, bytes are not. `torn`: half of the bytes are.
 */
export type PowerCut = "dropped" | "empty" | "torn";

/**
 * A folder of a disk that loses power. A file's bytes are safe once the file was synced, an entry of a folder once the
 * folder was: no more is promised. A rename happens as a whole.
 */
export class Disk {
  readonly #path: string;
  readonly #root: Folder;
  #renames: readonly Rename[] = [];

  /** @param path where the operations take place @param start a folder with what was there before */
  constructor(path: string, start: string) {
    this.#path = path;
    this.#root = read(start) as Folder;
  }

  /** Does an operation. One elsewhere does nothing. */
  apply(operation: Operation): void {
    if (operation.kind === "sql" || operation.kind === "spawn") return;
    if (operation.kind === "rename" || operation.kind === "link") return this.#move(operation);
    if (operation.kind === "fsync" && operation.path === this.#path) return this.#sync(this.#root);
    const place = this.#place(operation.path);
    if (place === undefined) return;
    const { folder, name } = place, node = folder.entries.get(name);
    const { kind } = operation;
    if (kind === "create") folder.entries.set(name, file(new Uint8Array(), new Uint8Array(), operation.mode));
    else if (kind === "mkdir") folder.entries.set(name, emptyFolder(operation.mode));
    else if (kind === "symlink") folder.entries.set(name, { kind: "link", target: operation.to });
    else if (kind === "unlink" || kind === "rmdir") folder.entries.delete(name);
    else if (node === undefined || node.kind === "link") throw new Error(`${kind} of ${operation.path}`);
    else if (kind === "fsync") this.#sync(node);
    else if (kind === "chmod") node.mode = operation.mode;
    else if (node.kind === "file" && kind === "write") node.bytes = written(node.bytes, operation);
    else if (node.kind === "file" && kind === "truncate") node.bytes = node.bytes.slice(0, operation.length);
    else throw new Error(`${kind} is not replayed`);
  }

  /** Writes what a power cut leaves into a folder that is not there. */
  write(folder: string, cut: PowerCut): void {
    lay(this.#root, folder, cut);
  }

  /** The same for the same that is left. */
  digest(cut: PowerCut): string {
    return sha256(JSON.stringify(shown(this.#root, cut)));
  }

  #move({ kind, path, to: target }: Extract<Operation, { kind: "rename" | "link" | "symlink" }>): void {
    const from = this.#place(path), to = this.#place(target);
    const node = from?.folder.entries.get(from.name);
    if (from === undefined || to === undefined || node === undefined) {
      throw new Error(`${kind} of ${path} leaves the folder`);
    }
    to.folder.entries.set(to.name, node);
    if (kind === "link") return;
    from.folder.entries.delete(from.name);
    this.#renames = [...this.#renames, {
      from: from.folder,
      old: from.name,
      to: to.folder,
      name: to.name,
      node,
    }];
  }

  #sync(node: Exclude<Node, { kind: "link" }>): void {
    if (node.kind === "file") {
      node.synced = node.bytes;
      return;
    }
    node.synced = new Map(node.entries);
    const done = this.#renames.filter(({ from, to }) => from === node || to === node);
    for (const { from, old, to, name, node: moved } of done) {
      if (from.synced.get(old) === moved) from.synced.delete(old);
      if (to.entries.get(name) === moved) to.synced.set(name, moved);
    }
    this.#renames = this.#renames.filter((one) => !done.includes(one));
  }

  #place(path: string): { readonly folder: Folder; readonly name: string } | undefined {
    const inside = relative(this.#path, path);
    if (inside === "" || inside.startsWith("..")) return undefined;
    let folder = this.#root;
    for (const name of dirname(inside) === "." ? [] : dirname(inside).split("/")) {
      const next = folder.entries.get(name);
      if (next?.kind !== "folder") throw new Error(`no folder around ${path}`);
      folder = next;
    }
    return { folder, name: basename(inside) };
  }
}

function written(bytes: Uint8Array, { bytes: more, at }: Extract<Operation, { kind: "write" }>): Uint8Array {
  const from = at ?? bytes.length;
  const all = new Uint8Array(Math.max(bytes.length, from + more.length));
  all.set(bytes);
  all.set(more, from);
  return all;
}

function file(bytes: Uint8Array, synced: Uint8Array, mode: number): Node {
  return { kind: "file", bytes, synced, mode };
}

function emptyFolder(mode: number): Folder {
  return { kind: "folder", entries: new Map(), synced: new Map(), mode };
}

function read(path: string): Node {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
  if (!stat.isDirectory()) {
    const bytes = readFileSync(path);
    return file(bytes, bytes, stat.mode & 0o777);
  }
  const entries = readdirSync(path).map((name) => [name, read(join(path, name))] as const);
  return { kind: "folder", entries: new Map(entries), synced: new Map(entries), mode: stat.mode & 0o777 };
}

function lay(node: Node, path: string, cut: PowerCut): void {
  if (node.kind === "link") return symlinkSync(node.target, path);
  if (node.kind === "file") writeFileSync(path, left(node, cut));
  else {
    mkdirSync(path);
    const entries = cut === "dropped" ? node.synced : node.entries;
    for (const [name, one] of entries) lay(one, join(path, name), cut);
  }
  chmodSync(path, node.mode & 0o777 & ~0o022);
}

function shown(node: Node, cut: PowerCut): unknown {
  if (node.kind === "link") return node.target;
  if (node.kind === "file") return [node.mode, sha256(left(node, cut))];
  const entries = cut === "dropped" ? node.synced : node.entries;
  return [
    node.mode,
    [...entries].sort(([one], [other]) => (one < other ? -1 : 1)).map((
      [name, one],
    ) => [name, shown(one, cut)]),
  ];
}

function left({ bytes, synced }: Extract<Node, { kind: "file" }>, cut: PowerCut): Uint8Array {
  if (bytes === synced || cut !== "torn") return synced;
  return bytes.slice(0, Math.max(synced.length, bytes.length >> 1));
}
