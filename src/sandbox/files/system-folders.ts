import { existsSync, lstatSync, readlinkSync } from "node:fs";

/** A part of the system's own files that programs need. */
export type SystemFolder =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

const FOLDERS = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/** Where the loader finds libraries, which time zone it is, and what Debian's names of libraries mean. Nothing secret. */
const FILES = ["/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"];

/** Libraries and programs of the system. On most systems all but /usr are links into it. */
export function systemFolders(): SystemFolder[] {
  return FOLDERS.filter((path) => existsSync(path)).map((path) =>
    lstatSync(path).isSymbolicLink()
      ? { kind: "link", path, target: readlinkSync(path) }
      : { kind: "folder", path }
  );
}

/** Single files of /etc that programs need, as far as they exist. */
export function systemFiles(): string[] {
  return FILES.filter((path) => existsSync(path));
}
