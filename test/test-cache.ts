import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** Where tests of all files and runs of this user keep what can be made again, so that it is fetched once. */
export function testCache(): string {
  return join(tmpdir(), `skillwright-test-cache-${userInfo().uid}`);
}
