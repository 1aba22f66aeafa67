import type { CanaryPython } from "../canary/canary-python.ts";
import type { PythonFiles } from "../files/python-files.ts";
import type { FilterArch } from "../seccomp/syscalls.ts";

/** What a backend is made of. */
export interface BackendParts {
  readonly files: PythonFiles;
  /** The interpreter that plays the attacker. */
  readonly python: () => Promise<CanaryPython>;
  readonly arch: FilterArch;
  /** A delegated group of the kernel. Default: the host's own, where root may write to it. */
  readonly cgroup?: string;
  /** Where the canary makes its folders. Default: the system's. */
  readonly tempDir?: string;
}
