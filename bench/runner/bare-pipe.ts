import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const LOOP: string = fileURLToPath(new URL("bare_loop.py", import.meta.url));

/** The floor: `python bare_loop.py` on a pipe, one line out, one line back, no checks. */
export class BarePipe {
  readonly #child: ChildProcess;
  #id = 0;
  #parts: Buffer[] = [];
  #resolve: (value: unknown) => void = () => {};

  constructor(interpreter: string) {
    this.#child = spawn(interpreter, [LOOP], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#parts.push(chunk);
      if (chunk.at(-1) !== 10) return;
      const line = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
      this.#parts = [];
      this.#resolve((JSON.parse(line.toString()) as { result: unknown }).result);
    });
  }

  call(value: string): Promise<unknown> {
    const params = { tool: "echo", input: { value } };
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#child.stdin?.write(
        `${JSON.stringify({ jsonrpc: "2.0", id: ++this.#id, method: "invoke", params })}\n`,
      );
    });
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await new Promise((resolve) => this.#child.once("exit", resolve));
  }
}
