import { describe, expect, it } from "vitest";
import { type KeyringEntry, KeyringKey } from "../../../src/lifecycle/secrets/keyring-key.ts";
import { sealKeyOfUser } from "../../../src/lifecycle/secrets/seal-key.ts";
import { SecretKey } from "../../../src/lifecycle/secrets/secret-key.ts";

const PACKAGE: string = "@napi-rs/keyring";
const installed = await import(PACKAGE).then(() => true, () => false);

describe("KeyringKey", () => {
  it.skipIf(installed)(
    "says what to install when the package is not there, and never goes back to a file",
    () => {
      const key = sealKeyOfUser({ SKILLWRIGHT_KEY: "keyring" });
      for (const ask of [() => key.find(), () => key.findOrMake()]) {
        expect(ask).toThrow(expect.objectContaining({
          code: "secrets_unusable",
          message: 'the system\'s keyring cannot be used: the package "@napi-rs/keyring" is not installed',
          fix: "npm install @napi-rs/keyring, or set SKILLWRIGHT_KEY=file",
        }));
      }
    },
  );

  it("keeps a key that it made once", () => {
    let kept: string | null = null;
    const entry: KeyringEntry = {
      getPassword: () => kept,
      setPassword: (password) => void (kept = password),
    };
    expect(new KeyringKey(() => entry).find()).toBeUndefined();
    const made = new KeyringKey(() => entry).findOrMake();
    expect(made).toHaveLength(32);
    expect(new KeyringKey(() => entry).findOrMake()).toEqual(made);
  });

  it("tells a keyring that is locked, keeps nothing, or holds something else", () => {
    const answers: readonly (() => KeyringEntry)[] = [
      () => {
        throw new Error("AccessDenied");
      },
      () => ({ getPassword: () => null, setPassword: () => {} }),
      () => ({ getPassword: () => "c2hvcnQ=", setPassword: () => {} }),
    ];
    for (const open of answers) {
      expect(() => new KeyringKey(open).findOrMake()).toThrow(
        expect.objectContaining({ code: "secrets_unusable" }),
      );
    }
  });
});

describe("sealKeyOfUser", () => {
  it("takes a file unless the user says otherwise", () => {
    expect(sealKeyOfUser({})).toBeInstanceOf(SecretKey);
    expect(sealKeyOfUser({ SKILLWRIGHT_KEY: "" })).toBeInstanceOf(SecretKey);
    expect(sealKeyOfUser({ SKILLWRIGHT_KEY: "keyring" })).toBeInstanceOf(KeyringKey);
    expect(() => sealKeyOfUser({ SKILLWRIGHT_KEY: "ring" })).toThrow(
      expect.objectContaining({ code: "invalid_input" }),
    );
  });
});
