import { describe, expect, test } from "vitest";
import { HostList, parseAuthority } from "../../../src/sandbox/network/hosts.ts";

describe("parseAuthority", () => {
  test.each([
    ["api.example.org", { host: "api.example.org" }],
    ["API.Example.org:8080", { host: "api.example.org", port: 8080 }],
    ["127.0.0.1:80", { host: "127.0.0.1", port: 80 }],
    ["[0:0::1]:443", { host: "::1", port: 443 }],
    ["[::FFFF:127.0.0.1]", { host: "::ffff:7f00:1" }],
  ])("reads %s", (text, expected) => {
    expect(parseAuthority(text)).toEqual(expected);
  });

  test.each([
    "",
    ":80",
    "api.example.org.",
    "api..example.org",
    "user@api.example.org",
    "api.example.org@evil.org",
    "api.example.org\0.evil.org",
    "api.example.org evil.org",
    "api.example.org:80:80",
    "api.example.org:0",
    "api.example.org:65536",
    "api.example.org:+80",
    "*.example.org",
    "127.1",
    "127.0.0.1.",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "256.1.1.1",
    "1.2.3.4.5",
    "evil.0x",
    "::1",
    "[::1%25lo]",
    "[127.0.0.1]",
    "\u0430pi.example.org",
    "\u2460.example.org",
  ])("does not read %j", (text) => {
    expect(parseAuthority(text)).toBeUndefined();
  });
});

describe("HostList", () => {
  const list = new HostList(["allowed.com", "other.com:8443", "127.0.0.1:9000", "[::1]:9000"]);
  test.each([
    ["allowed.com", 80, true],
    ["allowed.com", 443, true],
    ["allowed.com", 8080, false],
    ["other.com", 8443, true],
    ["other.com", 443, false],
    ["evilallowed.com", 443, false],
    ["allowed.com.evil.org", 443, false],
    ["sub.allowed.com", 443, false],
    ["127.0.0.1", 9000, true],
    ["::ffff:7f00:1", 9000, false],
    ["::1", 9000, true],
  ])("%s:%i is permitted: %j", (host, port, expected) => {
    expect(list.permits({ host, port })).toBe(expected);
  });

  test("names an address only together with its port", () => {
    expect(new HostList(["127.0.0.1"]).names({ host: "127.0.0.1", port: 80 })).toBe(false);
    expect(list.names({ host: "127.0.0.1", port: 9000 })).toBe(true);
  });

  test("permits nothing for entries that cannot be read, and all when it is open", () => {
    expect(new HostList(["*", "http://x/"]).permits({ host: "x", port: 80 })).toBe(false);
    expect(new HostList(true).permits({ host: "x", port: 1 })).toBe(true);
    expect(new HostList(true).names({ host: "127.0.0.1", port: 1 })).toBe(false);
  });
});
