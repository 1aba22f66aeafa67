import type { Gate } from "./gate.ts";

type Loose = (...given: readonly unknown[]) => unknown;

/** Puts the gate before the start of each process. What the process changes is its own. */
export function watchSpawns(gate: Gate, processes: Record<string, unknown>): void {
  for (const name of ["spawn", "execFile", "exec", "fork", "spawnSync", "execFileSync", "execSync"]) {
    const original = processes[name] as Loose;
    const watched: Loose = (...given) => {
      gate.pass({ kind: "spawn", path: String(given[0]) });
      return original(...given);
    };
    // `promisify` finds its own form of a function on it.
    processes[name] = Object.defineProperties(watched, Object.getOwnPropertyDescriptors(original));
  }
}
