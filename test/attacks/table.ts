import type { Attack, Deferred } from "./attack.ts";
import { filesystem } from "./filesystem.ts";
import { models } from "./models.ts";
import { network } from "./network.ts";
import { packages } from "./packages.ts";
import { process } from "./process.ts";
import { protocol } from "./protocol.ts";
import { resilience } from "./resilience.ts";
import { resources } from "./resources.ts";
import { secrets } from "./secrets.ts";
import { storeFaults } from "./store-faults.ts";
import { storedSecrets } from "./stored-secrets.ts";

/** The cases that are tried, by number. */
export const ATTACKS: readonly Attack[] = [
  ...filesystem,
  ...process,
  ...resources,
  ...network,
  ...protocol,
  ...packages,
  ...secrets,
  ...storedSecrets,
  ...storeFaults,
  ...resilience,
  ...models,
].sort((one, other) => one.case - other.case);

/** The cases that need what is not built yet. */
export const DEFERRED: readonly Deferred[] = [];

/** The slow cases that continuous integration tries: a tenth of them, by name. */
export const SLOW_IN_CI: readonly string[] = ["cpu_spin", "ignores_sigterm_sigint_sighup", "kill_minus_one"];
