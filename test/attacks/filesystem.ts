import type { Attack } from "./attack.ts";
import { filesystemFilling } from "./filesystem-filling.ts";
import { filesystemGrants } from "./filesystem-grants.ts";
import { filesystemReach } from "./filesystem-reach.ts";

/** Cases 1 to 16. */
export const filesystem: readonly Attack[] = [...filesystemReach, ...filesystemGrants, ...filesystemFilling];
