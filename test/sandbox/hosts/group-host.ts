/** Makes a control group, says its name and waits to be killed. */
import { readdirSync } from "node:fs";
import process from "node:process";
import { Cgroup, findCgroupParent } from "../../../src/sandbox/process/cgroup.ts";

const found = findCgroupParent();
if (found === undefined) throw new Error("no group is to be had");
const before = readdirSync(found.parent);
const group = new Cgroup({ ...found, processes: 8, memory_bytes: 1 << 30 });
const own = `skillwright-${process.pid.toString(36)}-`;
console.log(readdirSync(found.parent).find((name) => name.startsWith(own) && !before.includes(name)));
process.stdin.resume();
if (group.limit !== undefined) throw new Error("nothing has reached its limit");
