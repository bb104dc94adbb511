import { describe, expect, it } from "vitest";

import { anEnvironment } from "../testing/builders.ts";
import { compareEnvironments } from "./environment.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

describe("compareEnvironments", () => {
  it("finds nothing in the same environment, whatever files have changed in it", () => {
    expect(compareEnvironments(anEnvironment(), anEnvironment({ changedFiles: ["a"] }))).toEqual([]);
  });

  it.each([
    ["a newer Perdure recorded it", { perdureVersion: "0.2.0" }, { perdureVersion: "0.1.9" }],
    ["a newer Perdure recorded it, of another major version", { perdureVersion: "2.0.0" }, { perdureVersion: "1.9.0" }],
    ["a newer schema recorded it", { schemaVersion: 3 }, { schemaVersion: 2 }],
    ["Node is of a lower major version", { nodeVersion: "24.1.0" }, { nodeVersion: "22.18.0" }],
    ["the platform is another", { platform: "darwin-arm64" }, { platform: "linux-x64" }],
  ])("does not fit when %s", (_, recorded, present) => {
    const [difference, ...more] = compareEnvironments(anEnvironment(recorded), anEnvironment(present));
    expect(difference).toMatchObject({ compatible: false });
    expect(more).toEqual([]);
  });

  it.each([
    ["an older Perdure recorded it", { perdureVersion: "0.1.0" }, { perdureVersion: "0.2.0" }],
    ["a newer patch of Perdure recorded it", { perdureVersion: "0.1.9" }, { perdureVersion: "0.1.0" }],
    ["an older schema recorded it", { schemaVersion: 1 }, { schemaVersion: 2 }],
    ["Node is of another minor version", { nodeVersion: "24.9.0" }, { nodeVersion: "24.1.0" }],
    ["Node is of a higher major version", { nodeVersion: "22.18.0" }, { nodeVersion: "24.1.0" }],
    ["the commit is another", { gitCommit: COMMIT }, { gitCommit: null }],
    ["files have changed", { isGitDirty: false }, { isGitDirty: true }],
    ["the configuration has changed", { configHash: "a" }, { configHash: "b" }],
  ])("names it and lets work go on when %s", (_, recorded, present) => {
    const [difference, ...more] = compareEnvironments(anEnvironment(recorded), anEnvironment(present));
    expect(difference).toMatchObject({ compatible: true, message: expect.any(String) });
    expect(more).toEqual([]);
  });

  it("says what it was and what it is", () => {
    const was = anEnvironment({ gitCommit: COMMIT, nodeVersion: "24.1.0" });
    const messages = compareEnvironments(was, anEnvironment({ nodeVersion: "24.2.0" })).map(({ message }) => message);
    expect(messages).toEqual(["Node is 24.2.0; it was 24.1.0", "the git commit is none; it was 0123456789ab"]);
  });
});
