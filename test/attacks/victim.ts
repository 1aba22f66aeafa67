import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { AttackPlace } from "./attack.ts";

const CODE = `
import ctypes, os, resource, sys
text = ctypes.create_string_buffer(b"untouched")
print(ctypes.addressof(text), flush=True)
sys.stdin.readline()
print(text.value.decode(), resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 3, flush=True)
`;

/** A process of the same user that minds its own business. */
export class Victim {
  readonly pid: number;
  readonly #child: ChildProcess;
  #output = "";
  #address = 0;

  /** Starts one and waits until it runs. Ended with the place. */
  static async start(place: AttackPlace): Promise<Victim> {
    const child = spawn(place.python.path, ["-I", "-S", "-c", CODE], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { VICTIM: "yes" },
      detached: true,
    });
    const victim = new Victim(child);
    place.defer(() => child.kill("SIGKILL"));
    while (!victim.#output.includes("\n")) await once(child.stdout, "data");
    victim.#address = Number(victim.#output);
    victim.#output = "";
    return victim;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.stdin?.on("error", () => {});
    child.stdout?.on("data", (chunk) => this.#output += String(chunk));
  }

  /** Where its text lies in its memory. */
  get address(): number {
    return this.#address;
  }

  /** Asks it for its text and lets it go: whether nobody touched text, limits, or life. */
  async isUntouched(): Promise<boolean> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return false;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.stdin?.end("\n");
    const stopped = new Promise((resolve) => setTimeout(resolve, 1000).unref());
    await Promise.race([ended, stopped]);
    return this.#output === "untouched False\n";
  }
}
