import { describe, expect, it } from "vitest";
import { authorityOf, indexAddresses, indexHosts } from "../../../src/environment/index/index-hosts.ts";
import { userProxy, withoutProxy } from "../../../src/environment/index/user-proxy.ts";

const NAMES: Readonly<Record<string, readonly string[]>> = {
  "public.example": ["8.8.8.8"],
  "files.example": ["8.8.4.4"],
  "inner.example": ["10.0.0.5"],
  "inner-files.example": ["10.0.0.6"],
  "mixed.example": ["8.8.8.8", "127.0.0.1"],
};
const lookUp = (host: string): Promise<readonly string[]> => Promise.resolve(NAMES[host] ?? []);

describe("indexHosts", () => {
  it("adds what a public index links to, but nothing private", async () => {
    const links = [
      "files.example:443",
      "inner.example:443",
      "mixed.example:80",
      "127.0.0.1:6379",
      "10.0.0.1:80",
    ];
    expect(await indexHosts(["https://public.example/simple"], links, lookUp)).toEqual({
      allow: ["public.example:443", "files.example:443"],
      own: ["public.example:443"],
    });
  });

  it("follows a private index into its network, but not to this machine", async () => {
    const links = ["inner-files.example:8443", "mixed.example:80", "127.0.0.1:6379"];
    expect(await indexHosts(["http://inner.example:3141/simple"], links, lookUp)).toEqual({
      allow: ["inner.example:3141", "inner-files.example:8443"],
      own: ["inner.example:3141", "inner-files.example:8443"],
    });
  });

  it("allows a name that cannot be looked up here without letting it lead anywhere", async () => {
    expect(await indexHosts(["https://public.example"], ["elsewhere.example:443"], lookUp)).toEqual({
      allow: ["public.example:443", "elsewhere.example:443"],
      own: ["public.example:443"],
    });
  });
});

describe("indexAddresses", () => {
  it("reads uv's variables, with the credentials of a named index", () => {
    expect(indexAddresses({
      UV_DEFAULT_INDEX: "corp=https://uv.example/simple",
      UV_INDEX_CORP_USERNAME: "user",
      UV_INDEX_CORP_PASSWORD: "pass",
      UV_INDEX: "https://x.example /not/a/url",
      UV_FIND_LINKS: "/folder,https://links.example/page",
    })).toEqual({
      indexes: ["https://user:pass@uv.example/simple", "https://x.example"],
      pages: ["https://links.example/page"],
    });
  });

  it("names no index when there is to be none", () => {
    const variables = {
      UV_NO_INDEX: "1",
      UV_INDEX: "https://x.example",
      UV_FIND_LINKS: "https://l.example/",
    };
    expect(indexAddresses(variables)).toEqual({ indexes: [], pages: ["https://l.example/"] });
  });

  it.each([
    ["https://a.example/simple", "a.example:443"],
    ["http://a.example", "a.example:80"],
    ["http://[::1]:3141/", "[::1]:3141"],
    ["file:///wheels", undefined],
    ["nonsense", undefined],
  ])("reads the host of %s", (url, authority) => expect(authorityOf(url)).toBe(authority));
});

describe("userProxy", () => {
  it("reads address, credentials and exceptions", () => {
    expect(userProxy({ HTTPS_PROXY: "http://u%40x:p@proxy.example:3128", no_proxy: "a.example, .b.example" }))
      .toEqual({
        tunnel: { host: "proxy.example", port: 3128, authorization: `Basic ${btoa("u@x:p")}` },
        except: ["a.example", ".b.example"],
      });
    expect(userProxy({ all_proxy: "proxy.example" })).toMatchObject({
      tunnel: { port: 80 },
      plain: { port: 80 },
    });
    expect(userProxy({})).toBeUndefined();
  });

  it("does not pretend to speak what it does not", () => {
    expect(() => userProxy({ ALL_PROXY: "socks5://user:secret@proxy.example" })).toThrow(
      /^((?!secret).)*socks5/,
    );
  });

  it("is taken out of uv's variables in any case", () => {
    expect(withoutProxy({ https_proxy: "x", NO_PROXY: "x", ALL_PROXY: "x", SSL_CERT_FILE: "kept" }))
      .toEqual({ SSL_CERT_FILE: "kept" });
  });
});
