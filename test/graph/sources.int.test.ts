import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateProposal, installProposal } from "../../src/graph/generate.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";
import { scriptedMaker, sentText, writes } from "./scripted-maker.ts";

const SCRIPT = `"""Convert metres to feet.

Written long ago, for a terminal.
"""
import sys


def feet(metres: float) -> float:
    """Metres to feet"""
    return round(metres / 0.3048, 4)


def main():
    print(feet(float(sys.argv[1])))


if __name__ == "__main__":
    main()
`;
const source = { kind: "script", name: "feet.py", text: SCRIPT } as const;
const listsAreEnforced = (await createSandbox().probe()).enforced.includes("network_allow_list");

let home: TemporarySkills, service: Server, address: string;
beforeAll(async () => {
  service = createServer((request, response) => {
    const { method, url, headers } = request;
    let body = "";
    request.on("data", (part: Uint8Array) => (body += String(part)));
    request.on("end", () => {
      response.statusCode = headers["x-key"] === "k-123" ? 200 : 401;
      response.end(JSON.stringify({ method, url, body: body === "" ? null : JSON.parse(body) }));
    });
  });
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${(service.address() as AddressInfo).port}`;
  const none = { file_read: [], file_write: [], process_spawn: false };
  home = await temporarySkills({
    settings: { security: { generated_permissions: { network_access: [address], ...none } } },
    secrets: () => "k-123",
  });
});
afterAll(async () => {
  await home.close();
  service.closeAllConnections();
  service.close();
});

async function installed(outcome: Awaited<ReturnType<typeof generateProposal>>): Promise<string> {
  if (outcome.outcome !== "proposed") throw new Error(JSON.stringify(outcome));
  const { id, digest } = outcome.proposal;
  return (await installProposal(home.skills, id, { approvedDigest: digest })).id;
}

test("a script of a person becomes a skill by rules, tested against the examples", async () => {
  const wrong = await generateProposal({ skills: home.skills }, {
    intent: "",
    source,
    examples: [{ input: { metres: 1 }, expected: 3 }],
  });
  expect(wrong).toMatchObject({ outcome: "failed", code: "tests_failed" });
  const outcome = await generateProposal({ skills: home.skills }, {
    intent: "",
    source,
    examples: [{ input: { metres: 1 }, expected: 3.2808 }],
  });
  expect(outcome).toMatchObject({
    outcome: "proposed",
    proposal: {
      intent: "Convert metres to feet.",
      maker: "rules",
      files: { "skill.py": expect.stringContaining(SCRIPT) },
    },
  });
  const id = await installed(outcome);
  expect((await home.skills.run(id, { metres: 100 })).value).toBe(328.084);
});

test("a maker starts from the script, and changes what the intent needs", async () => {
  const both = `${SCRIPT}\n\ndef inches(metres: float) -> float:\n    return round(metres / 0.0254, 4)\n`;
  const model = scriptedMaker(
    writes({
      "skill.py": `# /// script\n# dependencies = []\n# ///\n${both}`,
      "manifest.toml":
        'id = "lengths"\nname = "Lengths"\nversion = "1.0.0"\ndescription = "Metres to feet and inches"\n' +
        'serve = "functions"\ndefault_tool = "feet"\n[[tools]]\nname = "feet"\n[[tools]]\nname = "inches"\n',
    }),
    "done",
  );
  const outcome = await generateProposal({ skills: home.skills, model }, {
    intent: "metres to inches, too",
    source,
    examples: [{ tool: "inches", input: { metres: 1 }, expected: 39.3701 }],
  });
  expect(outcome).toMatchObject({ outcome: "proposed", proposal: { skill_id: "lengths" } });
  const told = sentText(model.calls[0]?.messages ?? []);
  expect(told).toContain('It starts from the script "feet.py"');
  expect(told).toContain("def feet(metres: float) -> float:");
});

test.runIf(listsAreEnforced)("an API becomes a skill that reaches that API alone, with its key", async () => {
  const description = {
    openapi: "3.0.3",
    info: { title: "Pets" },
    servers: [{ url: `http://${address}/v1` }],
    components: { securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Key" } } },
    paths: {
      "/pets/{id}": {
        get: {
          operationId: "getPet",
          parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }, {
            name: "tags",
            in: "query",
            schema: { type: "array", items: { type: "string" } },
          }],
        },
      },
      "/pets": {
        post: {
          operationId: "addPet",
          requestBody: { required: true, content: { "application/json": { schema: { type: "object" } } } },
        },
      },
    },
  };
  const id = await installed(
    await generateProposal({ skills: home.skills }, {
      intent: "look up and add pets",
      source: { kind: "openapi", name: "pets.json", text: JSON.stringify(description) },
    }),
  );
  expect((await home.skills.run(id, { id: "a/b c", tags: ["x", "y"] })).value).toEqual({
    method: "GET",
    url: "/v1/pets/a%2Fb%20c?tags=x&tags=y",
    body: null,
  });
  expect((await home.skills.run(id, { body: { name: "Rex" } }, { tool: "add_pet" })).value).toEqual({
    method: "POST",
    url: "/v1/pets",
    body: { name: "Rex" },
  });
  expect((await home.skills.library.info(id)).permissions.network_access).toEqual([address]);
});
