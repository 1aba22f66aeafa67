import { expect, test } from "vitest";
import { describePermissions, isHarmless, permissionsBeyond } from "../../src/graph/permission-diff.ts";
import type { Permissions } from "../../src/manifest/types.ts";

const none: Permissions = { network_access: false, file_read: [], file_write: [], process_spawn: false };

test("permissionsBeyond names what is asked for and not allowed", () => {
  const asked: Permissions = {
    network_access: ["a.example", "b.example:443"],
    file_read: ["/etc", "./data"],
    file_write: ["/srv/x"],
    process_spawn: true,
  };
  expect(permissionsBeyond(asked, none)).toEqual([
    "network: a.example",
    "network: b.example:443",
    "read: /etc",
    "write: /srv/x",
    "start processes",
  ]);
  expect(
    permissionsBeyond(asked, {
      ...none,
      network_access: ["a.example", "b.example"],
      file_read: ["/etc"],
      file_write: ["/srv"],
      process_spawn: true,
    }),
  ).toEqual([]);
  expect(permissionsBeyond({ ...none, network_access: true }, { ...none, network_access: ["a"] })).toEqual([
    "network: everything",
  ]);
});

test("permissionsBeyond is not led up by dots", () => {
  expect(
    permissionsBeyond({ ...none, file_read: ["./../secret", "/srv/../etc", "/tmp/../etc"] }, {
      ...none,
      file_read: ["/srv"],
    }),
  )
    .toEqual(["read: ./../secret", "read: /srv/../etc", "read: /tmp/../etc"]);
  expect(permissionsBeyond({ ...none, file_read: ["/srvx"] }, { ...none, file_read: ["/srv"] })).toEqual([
    "read: /srvx",
  ]);
});

test("isHarmless is true only for what can do nothing but compute", () => {
  expect(isHarmless({ ...none, file_read: ["./data"], file_write: ["/tmp/x"] })).toBe(true);
  for (
    const more of [{ network_access: true }, { network_access: ["a"] }, { file_read: ["/etc"] }, {
      file_write: ["/srv"],
    }, { process_spawn: true }]
  ) {
    expect(isHarmless({ ...none, ...more })).toBe(false);
  }
});

test("describePermissions says nothing where nothing is asked for", () => {
  expect(describePermissions(none)).toEqual([]);
  expect(describePermissions({ ...none, network_access: true })).toEqual(["network: everything"]);
});
