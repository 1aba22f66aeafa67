import process from "node:process";
import { expect, test } from "vitest";
import { backendsHere } from "../sandbox/support.ts";
import { type Result, troubles } from "./run-attacks.ts";
import { runHost } from "./start-host.ts";

const backends = await backendsHere();
const best = backends.find(({ skip }) => skip === undefined)?.name;

test.skipIf(process.getuid?.() !== 0 || best === undefined)(
  "attacks by a host of an ordinary user come to the same",
  async () => {
    const results: Result[] = [];
    const runtime = "Deno" in globalThis ? "deno" : "node";
    const cases = [2, 8, 17, 22, 23];
    const why = await runHost({ runtime, user: "user" }, { backend: best ?? "landlock", cases }, (result) => {
      results.push(result);
    });
    expect(why).toBeUndefined();
    expect(results.flatMap(troubles)).toEqual([]);
    expect(results.map((result) => result.user)).toEqual(cases.map(() => "user"));
  },
);
