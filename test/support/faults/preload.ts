// Counts, records and spoils the changes that a program makes to files and databases, and kills it between them.
//
//   node --import ./test/support/faults/preload.ts program.ts      with SKILLWRIGHT_FAULTS='{"killBefore": 7, ...}'
//
// The orders are `FaultOrders` of gate.ts. Without any, nothing happens. `faultEnvironment` makes the variable,
// `FAULTS` are the arguments.
import process from "node:process";
import { type FaultOrders } from "./gate.ts";
import { installGate } from "./install.ts";

const orders = process.env["SKILLWRIGHT_FAULTS"];
if (orders !== undefined) {
  delete process.env["SKILLWRIGHT_FAULTS"];
  const gate = await installGate();
  gate.arm(JSON.parse(orders) as FaultOrders);
  process.once("exit", () => gate.finish());
}
