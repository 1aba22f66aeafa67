import type { Placement } from "../packages/placement.ts";
import type { Staging } from "../packages/staging.ts";
import type { StateFolders } from "../state/state-folders.ts";

/** The parts of a home that prepare something in staging. */
interface Preparing {
  readonly placement: Placement;
  readonly stateFolders: StateFolders;
  readonly staging: Staging;
}

/** Settles what dead processes had begun, then removes what they left in staging. The answer is what went. */
export async function collectLeftovers(
  { placement, stateFolders, staging }: Preparing,
): Promise<readonly string[]> {
  await placement.collect();
  await stateFolders.collect();
  return await staging.collect();
}
