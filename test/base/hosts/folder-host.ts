/** Makes a host folder below its argument, says where, and closes it at the end of its input. */
import { once } from "node:events";
import process from "node:process";
import { HostFolder } from "../../../src/base/host-folder.ts";

const folder = new HostFolder(process.argv[2]);
console.log(await folder.path());
process.stdin.resume();
await once(process.stdin, "end");
await folder.close();
