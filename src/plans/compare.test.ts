import { expect, test } from "vitest";
import { comparePlans } from "./compare.ts";
import { planFingerprint } from "./fingerprint.ts";
import { readPlan } from "./read-plan.ts";

test("comparePlans › tells drift both ways", async () => {
  const plan = await readPlan({ path: "p.md", text: "- [x] 1.1 a\n- [ ] 1.2 b\n- [ ] 1.3 c\n- [x] 1.4 d\n" });
  const drift = comparePlans(plan, [
    { key: "1.1", title: "a", status: "pending" },
    { key: "1.2", title: "other", status: "completed", needs: ["1.1"], priority: 7 },
    { key: "1.4", title: "d", status: "completed", needs: ["1.2"] },
    { key: "9", title: "gone", status: "pending" },
    { key: null, title: "by hand", status: "pending" },
  ]);
  expect(drift).toEqual({
    tickedOnly: ["1.1"],
    completedOnly: ["1.2"],
    onlyInFile: ["1.3"],
    onlyInStore: ["9", "by hand"],
    changed: [
      { key: "1.2", fields: ["title", "priority"] },
      { key: "1.4", fields: ["needs"] },
    ],
    isInSync: false,
  });
});

test("comparePlans › a plan agrees with itself", async () => {
  const plan = await readPlan({ path: "p.md", text: "- [x] a\n- [ ] b\n" });
  expect(comparePlans(plan, plan.tasks)).toMatchObject({ isInSync: true });
});

test("planFingerprint › is the same ticked or not, wherever it stands, and not for another task", async () => {
  const of = async (text: string, path = "p.md"): Promise<string> => planFingerprint(await readPlan({ path, text }));
  const open = await of("- [ ] 1.1 a\n- [ ] 1.2 b\n");
  expect(open).toMatch(/^[0-9a-f]{64}$/);
  expect(await of("\n\n- [x] 1.1 a ✅ 2026-01-01\n- [X] 1.2 b\n", "q.md")).toBe(open);
  expect(await of("- [ ] 1.1 a\n- [ ] 1.2 c\n")).not.toBe(open);
});

test("planFingerprint › does not hear of criteria met, notes and dates of change", async () => {
  const task = (status: string, box: string, date: string): string =>
    `---\nid: T-1\ntitle: a\nstatus: ${status}\nupdated_date: ${date}\n---\n## Acceptance Criteria\n- [${box}] #1 x\n\n## Final Summary\n${date}\n`;
  const before = planFingerprint(await readPlan({ path: "t.md", text: task("To Do", " ", "a") }));
  expect(planFingerprint(await readPlan({ path: "t.md", text: task("Done", "x", "b") }))).toBe(before);
});
