// Adds to package-lock.json the optional packages of other platforms that the registry at hand does not have: npm
// leaves them out when it writes the lock, and `npm ci` then refuses it. Run it after every `npm install`.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
  [key: string]: unknown;
}

const OS = new Map(
  ["darwin", "win32", "linux", "android", "freebsd", "openharmony"].map((name) => [name, name]),
);
const CPU = new Map(
  ["arm64", "x64", "arm", "ia32", "ppc64", "riscv64", "s390x", "loong64", "wasm32"].map((
    name,
  ) => [name, name]),
);
CPU.set("aarch64", "arm64").set("armhf", "arm");

/** The packages of `lock`, completed; and the names of those that were missing. */
export function completeLock(
  packages: Record<string, LockedPackage>,
): { missing: string[]; packages: Record<string, LockedPackage> } {
  const missing: string[] = [];
  const all = { ...packages };
  for (const [path, owner] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
      const places = [`${path === "" ? "" : `${path}/`}node_modules/${name}`, `node_modules/${name}`];
      if (!/^\d/.test(version) || places.some((place) => all[place] !== undefined)) continue;
      const parts = name.split(/[/@.-]/);
      const os = parts.flatMap((part) => OS.get(part) ?? []),
        cpu = parts.flatMap((part) => CPU.get(part) ?? []);
      if (os.length === 0 && cpu.length === 0) continue;
      all[`node_modules/${name}`] = {
        version,
        ...(cpu.length === 0 ? {} : { cpu }),
        ...(owner.dev === true ? { dev: true } : {}),
        optional: true,
        ...(os.length === 0 ? {} : { os }),
      };
      missing.push(`${name}@${version}`);
    }
  }
  return { missing, packages: Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

if (import.meta.main) {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const { missing, packages } = completeLock(lock.packages);
  if (process.argv.includes("--check")) {
    if (missing.length > 0) console.error(`package-lock.json lacks ${missing.join(", ")}: npm run lock`);
    process.exitCode = missing.length === 0 ? 0 : 1;
  } else {
    writeFileSync("package-lock.json", `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
    console.log(`added ${missing.length} packages`);
  }
}
