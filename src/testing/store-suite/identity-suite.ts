/** An empty store takes over the project whose log is to be played into it. */

import { describe, expect, it } from "vitest";

import { registerWorker } from "../../store/commands/workers.ts";
import { aWorker } from "../builders.ts";
import type { Suite } from "./bench.ts";

let projects = 0;

function aProject() {
  projects += 1;
  return { projectId: `other-${process.pid}-${projects}`, projectName: "other", projectCreatedAt: 1 };
}

export function identitySuite(suite: Suite): void {
  describe("an empty store", () => {
    it("becomes another project, also when it is said twice", async () => {
      const store = await suite.openEmpty();
      const project = aProject();
      await store.becomeProject?.(project);
      await store.becomeProject?.(project);
      expect(store.projectId).toBe(project.projectId);
    });

    it("does not become another while a worker waits in it, which would wait for ever", async () => {
      const store = await suite.openEmpty();
      const before = store.projectId;
      await store.execute(registerWorker, aWorker("w1"));
      await expect(store.becomeProject?.(aProject())).rejects.toMatchObject({ code: "conflict" });
      expect(store.projectId).toBe(before);
    });

    it("does not become another once it has changes", async () => {
      const { store } = await suite.open();
      await expect(store.becomeProject?.(aProject())).rejects.toMatchObject({ code: "conflict" });
    });
  });
}
