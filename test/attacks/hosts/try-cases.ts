// Tries cases as this user on this runtime: `try-cases.ts <order>`. Prints one line of JSON for each result.
import process from "node:process";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";
import type { BackendName } from "../../../src/sandbox/types.ts";
import { RealPlace } from "../place.ts";
import { runAttacks } from "../run-attacks.ts";
import { ATTACKS } from "../table.ts";

/** What a host is told to do. */
export interface HostOrder {
  readonly backend: BackendName;
  readonly cases: readonly number[];
}

const { backend, cases } = JSON.parse(process.argv[2] ?? "") as HostOrder;
const sandbox = createSandbox({ backend });
const report = await sandbox.probe();
if (report.usable) {
  await runAttacks(
    ATTACKS.filter((attack) => cases.includes(attack.case)),
    () => RealPlace.open(sandbox, backend),
    (result) => console.log(JSON.stringify(result)),
  );
} else {
  console.log(JSON.stringify({ unusable: report.missing[0]?.reason ?? "it does not work here" }));
}
// What hangs is told by then, and must not hold up the rest.
process.exit(0);
