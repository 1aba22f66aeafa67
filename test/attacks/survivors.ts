import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** A name for processes, as short as the kernel keeps it. */
export function newTag(): string {
  return `sw-${randomBytes(5).toString("hex")}`;
}

/** Processes that call themselves so, whoever's they are. Dead ones that nobody has collected yet are not counted. */
export function processesNamed(tag: string): readonly number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === tag &&
        !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  });
}

/** Waits until a condition holds, at most five seconds; whether it came to hold. */
export async function eventually(condition: () => boolean): Promise<boolean> {
  for (const end = Date.now() + 5000; Date.now() < end;) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return condition();
}

/** Ends processes that a control left behind. */
export function endAll(tag: string): void {
  for (const pid of processesNamed(tag)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it went by itself
    }
  }
}
