import { sep } from "node:path";

/** Whether `path` is `folder` or lies below it. Both absolute, normal, without links. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The paths without those that lie below another one, sorted, so that no mount covers another. */
export function outermost(paths: Iterable<string>): string[] {
  const kept: string[] = [];
  for (const path of [...new Set(paths)].sort()) {
    if (!kept.some((folder) => isWithin(path, folder))) kept.push(path);
  }
  return kept;
}
