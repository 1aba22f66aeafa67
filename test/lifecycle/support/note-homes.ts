// Says that it is ready, and when it is told to go notes trust in each of the folders that it was given.
import process from "node:process";
import { noteTrust } from "../../../src/lifecycle/storage/trust.ts";

const [folder = "", ...homes] = process.argv.slice(2);
process.stdout.write("ready\n");
process.stdin.once("data", () => {
  void (async () => {
    for (const home of homes) await noteTrust(home, `id of ${home}`, folder);
  })();
});
