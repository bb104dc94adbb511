import { expect, it } from "vitest";

import { listSessions } from "../store/commands/session-queries.ts";
import { runOperation } from "./operation.ts";
import { taskAdd } from "./task-add.ts";
import { aProject } from "./testing/project.ts";

it("a task that is refused leaves no session behind that was to be made for it", async () => {
  const project = aProject();
  const asked = runOperation(taskAdd, project, { input: { title: "x".repeat(2_000), manual: "do it" } });
  await expect(asked).rejects.toMatchObject({ code: "limit-reached" });
  const unknown = runOperation(taskAdd, project, { input: { title: "x", manual: "do it", needs: ["nothing"] } });
  await expect(unknown).rejects.toMatchObject({ code: "not-found" });
  const page = await project.store.execute(listSessions, { statuses: null, before: null, limit: 1 });
  expect(page.sessions).toEqual([]);
});
