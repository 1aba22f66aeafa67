import type { Attack } from "./attack.ts";
import { ATTACKS, SLOW_IN_CI } from "./table.ts";

/** The cases that a run without much time tries: all fast ones, and a named tenth of the slow ones. */
export function quickAttacks(): readonly Attack[] {
  return ATTACKS.filter(({ slow, name }) => slow !== true || SLOW_IN_CI.includes(name));
}
