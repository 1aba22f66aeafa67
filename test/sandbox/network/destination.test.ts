import { describe, expect, test } from "vitest";
import { isPublicAddress } from "../../../src/sandbox/network/addresses.ts";
import { resolveTarget } from "../../../src/sandbox/network/destination.ts";
import { HostList } from "../../../src/sandbox/network/hosts.ts";

test.each(["1.1.1.1", "172.15.0.1", "192.169.0.1", "223.255.255.255", "2606:4700:4700::1111"])(
  "isPublicAddress is true for %s",
  (address) => expect(isPublicAddress(address)).toBe(true),
);

test.each(
  ("0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 " +
    "198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 " +
    "fe80::1 fc00::1 fd00:ec2::254 ff02::1 2002:7f00:1:: 2001:0:1::1 2001:db8::1").split(" "),
)("isPublicAddress is false for %s", (address) => expect(isPublicAddress(address)).toBe(false));

describe("resolveTarget", () => {
  const target = { host: "allowed.com", port: 443 };
  const resolve = (allow: true | readonly string[], addresses: readonly string[], asked = target) =>
    resolveTarget(asked, new HostList(allow), () => Promise.resolve(addresses));

  test("gives the public addresses of a listed name only", async () => {
    await expect(resolve(["allowed.com"], ["127.0.0.1", "1.1.1.1"])).resolves.toEqual(["1.1.1.1"]);
  });

  test("refuses a listed name that leads inside", async () => {
    for (const address of ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:10.0.0.1"]) {
      for (const allow of [true, ["allowed.com"], ["allowed.com:443"]] as const) {
        await expect(resolve(allow, [address])).rejects.toMatchObject({ status: 403 });
      }
    }
  });

  test("lets it lead inside where the list names that address and port", async () => {
    const allow = ["allowed.com", "10.0.0.1:443"];
    await expect(resolve(allow, ["10.0.0.1"])).resolves.toEqual(["10.0.0.1"]);
    await expect(resolve(["allowed.com", "10.0.0.1:80"], ["10.0.0.1"])).rejects.toMatchObject({
      status: 403,
    });
  });

  test("takes localhost for loopback only, and only with its port", async () => {
    const asked = { host: "localhost", port: 80 };
    await expect(resolve(["localhost:80"], ["127.0.0.1", "::1"], asked)).resolves.toHaveLength(2);
    await expect(resolve(["localhost:80"], ["10.0.0.1"], asked)).rejects.toMatchObject({ status: 403 });
    await expect(resolve(["localhost"], ["127.0.0.1"], asked)).rejects.toMatchObject({ status: 403 });
  });

  test("does not resolve what is not listed", async () => {
    const failing = () => Promise.reject(new Error("asked"));
    await expect(resolveTarget(target, new HostList([]), failing)).rejects.toMatchObject({ status: 403 });
    await expect(resolveTarget(target, new HostList(true), failing)).rejects.toMatchObject({ status: 502 });
  });
});
