import process from "node:process";
import { type PythonFiles, pythonFiles } from "../files/python-files.ts";
import { requiredCapabilities } from "../policy/refuse.ts";
import { programEnvironment } from "../process/environment.ts";
import { spawnPlan } from "../process/spawn.ts";
import {
  CAPABILITIES,
  type SandboxBackend,
  type SandboxedProcess,
  type SandboxPlan,
  type SandboxPolicy,
  type SandboxProgram,
  type SandboxReport,
} from "../types.ts";

/**
 * No sandbox at all: the program may do what the host's user may do. Only for a host whose own code asks for it.
 * Every plan lists all that its policy asks for as unenforced; without a network grant too, everything can be reached.
 */
export class UnsafeNone implements SandboxBackend {
  readonly name = "unsafe-none";
  readonly #files: PythonFiles;

  constructor(files: PythonFiles = pythonFiles()) {
    this.#files = files;
  }

  probe(): Promise<SandboxReport> {
    const missing = CAPABILITIES.map((capability) => ({
      capability,
      reason: "the host's code switched the sandbox off",
      fix: 'choose the backend "auto"',
    }));
    return Promise.resolve({ backend: this.name, usable: true, enforced: [], missing });
  }

  plan(policy: SandboxPolicy, program: SandboxProgram): Promise<SandboxPlan> {
    const env = programEnvironment(program.scratch, program.scratch);
    return Promise.resolve({
      backend: this.name,
      command: program.interpreter,
      args: ["-I", "-S", this.#files.boot],
      env,
      confine: { workdir: program.scratch, env: Object.keys(env), parent: process.pid },
      workdir: program.scratch,
      unenforced: requiredCapabilities(policy),
    });
  }

  spawn(plan: SandboxPlan): SandboxedProcess {
    return spawnPlan(plan);
  }
}
