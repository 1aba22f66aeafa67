import { Buffer } from "node:buffer";
import { closeSync, openSync, writeSync } from "node:fs";
import { constants as system } from "node:os";
import process from "node:process";

/** What is to happen to a process at which of its operations. They are counted from 1. */
export interface FaultOrders {
  /** Only operations on paths in these folders count; default: all. They are real paths. */
  readonly within?: readonly string[];
  /** Whether fsync counts too: it changes nothing, but may fail. Default false. */
  readonly syncs?: boolean;
  /** The process ends by SIGKILL instead of beginning this operation. */
  readonly killBefore?: number;
  /** This operation fails, and with `lasting` all after it. Starts of processes never do. */
  readonly failWith?: { readonly code: FaultCode; readonly at: number; readonly lasting?: boolean };
  /** A file that gets each operation before it begins, as a line of JSON. */
  readonly record?: string;
  /** Whether what is written stands in the record, so that it can be replayed. Default false. */
  readonly contents?: boolean;
  /** A file that gets how many operations were counted, when the process ends by itself. */
  readonly count?: string;
}

/** What a file system says when it can't. */
export type FaultCode = "ENOSPC" | "EIO" | "EROFS" | "EMFILE" | "EDQUOT" | "EACCES";

/** One operation that changes something, or makes a change durable. */
export type Operation =
  | { readonly kind: "create"; readonly path: string; readonly mode: number }
  | { readonly kind: "write"; readonly path: string; readonly bytes: Uint8Array; readonly at: number | null }
  | { readonly kind: "truncate"; readonly path: string; readonly length: number }
  | { readonly kind: "mkdir"; readonly path: string; readonly mode: number }
  | { readonly kind: "unlink" | "rmdir" | "fsync" | "utimes" | "chown" | "copy"; readonly path: string }
  | { readonly kind: "chmod"; readonly path: string; readonly mode: number }
  | { readonly kind: "rename" | "link" | "symlink"; readonly path: string; readonly to: string }
  | { readonly kind: "sql"; readonly path: string; readonly sql: string; readonly values: readonly unknown[] }
  | { readonly kind: "spawn"; readonly path: string };

/** An operation as it stands in a record. `n` is its number; null for what is not counted. */
export type RecordedOperation = { readonly n: number | null } & Operation;

/** As they were before anybody put a gate there. */
const files = { closeSync, openSync, writeSync };

/** Counts operations and has them fail, or the process end, as ordered. */
export class Gate {
  #orders: FaultOrders | undefined;
  #record: number | undefined;
  #seen = 0;

  /** Counts from 1 again, by these orders. */
  arm(orders: FaultOrders): void {
    this.disarm();
    this.#orders = orders;
    this.#seen = 0;
    if (orders.record === undefined) return;
    this.#record = files.openSync(orders.record, "a", 0o600);
  }

  /** Nothing is counted or fails from here on. */
  disarm(): void {
    if (this.#record !== undefined) files.closeSync(this.#record);
    this.#record = undefined;
    this.#orders = undefined;
  }

  /** How many operations were counted since it was armed. */
  get seen(): number {
    return this.#seen;
  }

  /** Whether anybody wants to know of operations there. */
  concerns(path: string): boolean {
    const within = this.#orders === undefined ? [] : this.#orders.within;
    return within === undefined ||
      within.some((folder) => path === folder || path.startsWith(`${folder}/`));
  }

  /** To be called before each operation. Throws what the operation is to fail with. */
  pass(operation: Operation): void {
    const orders = this.#orders;
    if (orders === undefined) return;
    const touches = "to" in operation && operation.kind !== "symlink"
      ? [operation.path, operation.to]
      : [operation.path];
    if (operation.kind !== "spawn" && !touches.some((path) => this.concerns(path))) return;
    const counts = operation.kind !== "fsync" || orders.syncs === true;
    const n = counts ? ++this.#seen : null;
    if (n !== null && n === orders.killBefore) process.kill(process.pid, "SIGKILL");
    const fails = this.#fails(operation, n);
    if (this.#record !== undefined && !fails) {
      files.writeSync(this.#record, line({ n, ...operation }, orders));
    }
    if (fails && orders.failWith !== undefined) throw failure(orders.failWith.code, operation);
  }

  /** Says how many operations there were. */
  finish(): void {
    const count = this.#orders?.count;
    this.disarm();
    if (count === undefined) return;
    const file = files.openSync(count, "w", 0o600);
    files.writeSync(file, `${this.#seen}\n`);
    files.closeSync(file);
  }

  #fails({ kind }: Operation, n: number | null): boolean {
    const fault = this.#orders?.failWith;
    if (fault === undefined || kind === "spawn") return false;
    if (n === null) return fault.lasting === true && this.#seen >= fault.at;
    return fault.lasting === true ? n >= fault.at : n === fault.at;
  }
}

function line(operation: RecordedOperation, { contents = false }: FaultOrders): string {
  if (operation.kind !== "write") return `${JSON.stringify(operation)}\n`;
  const { bytes, ...rest } = operation;
  const shown = contents
    ? { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64") }
    : { length: bytes.length };
  return `${JSON.stringify({ ...rest, bytes: shown })}\n`;
}

const SQLITE: Readonly<Record<FaultCode, readonly [number, string]>> = {
  ENOSPC: [13, "database or disk is full"],
  EDQUOT: [13, "database or disk is full"],
  EIO: [10, "disk I/O error"],
  EROFS: [8, "attempt to write a readonly database"],
  EACCES: [8, "attempt to write a readonly database"],
  EMFILE: [14, "unable to open database file"],
};

const SYSCALLS: Readonly<Record<Exclude<Operation["kind"], "sql">, string>> = {
  create: "open",
  write: "write",
  truncate: "ftruncate",
  mkdir: "mkdir",
  unlink: "unlink",
  rmdir: "rmdir",
  fsync: "fsync",
  utimes: "utime",
  chown: "chown",
  copy: "copyfile",
  chmod: "chmod",
  rename: "rename",
  link: "link",
  symlink: "symlink",
  spawn: "spawn",
};

/** The error that the runtime itself would throw. */
function failure(code: FaultCode, operation: Operation): Error {
  if (operation.kind === "sql") {
    const [errcode, errstr] = SQLITE[code];
    return Object.assign(new Error(errstr), { code: "ERR_SQLITE_ERROR", errcode, errstr });
  }
  const syscall = SYSCALLS[operation.kind];
  const errno = -(system.errno[code] ?? 0);
  const error = new Error(`${code}: ordered by a test, ${syscall} '${operation.path}'`);
  return Object.assign(error, { code, errno, syscall, path: operation.path });
}
