import type { Attack } from "./attack.ts";
import { processEnding } from "./process-ending.ts";
import { processOthers } from "./process-others.ts";
import { processStarting } from "./process-starting.ts";

/** Cases 17 to 31. */
export const process: readonly Attack[] = [...processStarting, ...processEnding, ...processOthers];
