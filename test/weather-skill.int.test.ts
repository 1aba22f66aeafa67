import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox } from "../src/sandbox/create-sandbox.ts";
import { cli, type Ran } from "./cli/recording-terminal.ts";
import { typeOnTerminal } from "./cli/type-on-terminal.ts";

const SKILL = fileURLToPath(new URL("../skills/weather_skill", import.meta.url));
const KEY = "right-key-0123456789";
const { enforced } = await createSandbox().probe();
// A list of hosts is enforced by bubblewrap alone.
const skip = !enforced.includes("network_allow_list");

const folder = mkdtempSync(join(tmpdir(), "skillwright-weather-"));
const dir = join(folder, "home");
const seen: URL[] = [];
let service: Server;
let address = "";

/** A stand-in of the weather service. */
beforeAll(async () => {
  service = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://stand-in");
    seen.push(url);
    const known = url.searchParams.get("appid") === KEY;
    response.writeHead(known ? 200 : 401);
    const weather = { main: { temp: 12.5 }, wind: { speed: 3 }, weather: [{ description: "light rain" }] };
    response.end(JSON.stringify({ name: url.searchParams.get("q"), ...weather }));
  });
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${(service.address() as AddressInfo).port}`;
});
afterAll(() => {
  service.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (argv: readonly string[], stdin = ""): Promise<Ran> => cli([...argv, "--dir", dir], { stdin });

/** The reference skill, allowed to reach the stand-in besides the service. */
function withStandIn(): string {
  const copy = join(folder, "weather_skill");
  cpSync(SKILL, copy, { recursive: true });
  const path = join(copy, "manifest.toml");
  const manifest = readFileSync(path, "utf8");
  const changed = manifest.replace('["api.openweathermap.org"]', `["api.openweathermap.org", "${address}"]`);
  expect(changed).not.toBe(manifest);
  writeFileSync(path, changed);
  return copy;
}

describe.skipIf(skip)(`the weather skill${skip ? " (skipped: lists of hosts need bubblewrap)" : ""}`, () => {
  test("install --test -> activate -> setup -> run, as its documentation says", async () => {
    const tested = await at(["install", withStandIn(), "--test"]);
    expect(tested.stdout).toContain("passed tests/test_contract.py::Contract.test_sends_any_name_safely");
    expect(tested).toMatchObject({ code: 0 });
    expect((await at(["setup", "weather_skill"])).notes).toContain("activate it first");
    expect((await at(["activate", "weather_skill"])).code).toBe(0);
    expect((await at(["setup", "weather_skill"])).notes).toMatch(/secrets set --dir \S+ WEATHER_API_KEY/);
    await at(["secrets", "set", "WEATHER_API_URL", `http://${address}/weather`, "--skill", "weather_skill"]);

    await at(["secrets", "set", "WEATHER_API_KEY", "--skill", "weather_skill"], "a-wrong-key\n");
    const refused = await at(["setup", "weather_skill"]);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.notes).toContain("refuses the key WEATHER_API_KEY");
    expect(refused.notes).not.toContain("a-wrong-key");

    await at(["secrets", "set", "WEATHER_API_KEY", "--skill", "weather_skill"], `${KEY}\n`);
    expect((await at(["setup", "weather_skill"])).stdout).toContain("weather_skill is set up");
    const ran = await at(["run", "weather_skill", "--json", '{"city": "Paris"}']);
    expect(ran.json()).toMatchObject({
      value: { city: "Paris", temperature_c: 12.5, wind_m_s: 3, description: "light rain" },
    });
    expect(ran.stdout).not.toContain(KEY);
    expect(seen.at(-1)?.searchParams.get("lang")).toBe("en");
    expect((await at(["logs", "weather_skill", "--log", "setup"])).stdout).toContain("accepts the key");
  });

  test("setup asks for the key on a terminal, and keeps it as a secret", async () => {
    const other = join(folder, "other");
    const there = (...argv: readonly string[]): Promise<Ran> => cli([...argv, "--dir", other]);
    const url = `http://${address}/weather`;
    await there("install", withStandIn());
    await there("activate", "weather_skill");
    await cli(["secrets", "set", "WEATHER_API_URL", "--skill", "weather_skill", "--dir", other], {
      stdin: url,
    });
    const setup = await typeOnTerminal(
      ["setup", "weather_skill", "--dir", other],
      [["WEATHER_API_KEY for weather_skill", `${KEY}\r`]],
    );
    expect(setup).toMatchObject({ code: 0, shown: expect.stringContaining("weather_skill is set up") });
    expect(setup.shown).not.toContain(KEY);
    expect((await there("secrets", "list")).stdout).toContain("WEATHER_API_KEY for weather_skill");
    const ran = await there("run", "weather_skill", "--json", '{"city": "Paris"}');
    expect(ran.json()).toMatchObject({ value: { city: "Paris" } });
  });

  test("reaches nothing but what its manifest lists", async () => {
    const other = createServer(() => {
      throw new Error("reached");
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    await at(["secrets", "set", "WEATHER_API_URL", `http://127.0.0.1:${port}/`, "--skill", "weather_skill"]);
    const refused = await at(["run", "weather_skill", "--input", '{"city": "Paris"}']);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.notes).toContain("status 403");
    other.close();
  });
});
