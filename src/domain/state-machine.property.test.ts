import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { isPerdureError } from "../base/errors.ts";
import { executionMachine, EXECUTION_STATUSES } from "./execution.ts";
import { sessionMachine, SESSION_STATUSES } from "./session.ts";
import type { StateMachine } from "./state-machine.ts";
import { leadsTo, transition } from "./state-machine.ts";
import { STEP_STATUSES, stepMachine } from "./step.ts";
import { isTerminalTask, TASK_STATUSES, taskMachine } from "./task.ts";

interface Subject {
  readonly machine: StateMachine<string, string>;
  readonly states: readonly string[];
  readonly initial: readonly string[];
  /** States no verb leads out of. */
  readonly final: readonly string[];
}

const subjects: Readonly<Record<string, Subject>> = {
  task: {
    machine: taskMachine as StateMachine<string, string>,
    states: TASK_STATUSES,
    // Imported tasks may be done, or left out, already.
    initial: ["pending", "blocked", "completed", "cancelled"],
    final: [],
  },
  execution: {
    machine: executionMachine as StateMachine<string, string>,
    states: EXECUTION_STATUSES,
    initial: ["running"],
    final: ["completed"],
  },
  step: {
    machine: stepMachine as StateMachine<string, string>,
    states: STEP_STATUSES,
    initial: ["started", "completed", "failed"],
    final: ["completed"],
  },
  session: {
    machine: sessionMachine as StateMachine<string, string>,
    states: SESSION_STATUSES,
    initial: ["created", "active"],
    final: ["cancelled"],
  },
};

describe.each(Object.entries(subjects))("the %s machine", (noun, { machine, states, initial, final }) => {
  const verbs = Object.keys(machine.transitions);

  test("after any sequence of verbs is in a state it knows, and refuses the rest by name", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...initial),
        fc.array(fc.constantFrom(...verbs), { maxLength: 40 }),
        (start, sequence) => {
          let state = start;
          for (const verb of sequence) {
            const isAllowed = machine.transitions[verb]?.from.includes(state);
            try {
              state = transition(machine, { name: "it", from: state }, verb);
              expect(isAllowed).toBe(true);
            } catch (error) {
              expect(isAllowed).toBe(false);
              expect(isPerdureError(error, "wrong-state")).toBe(true);
              expect(String(error)).toContain(`Cannot ${verb.replaceAll("_", " ")} ${noun} it: it is ${state}`);
            }
            expect(states).toContain(state);
          }
        },
      ),
    );
  });

  test("reaches every state from where it begins", () => {
    const reached = new Set(initial);
    for (let before = -1; before !== reached.size;) {
      before = reached.size;
      for (const from of reached) for (const to of states) if (leadsTo(machine, from, to)) reached.add(to);
    }
    expect([...reached].toSorted()).toEqual([...states].toSorted());
  });

  test("leaves no final state", () => {
    for (const state of final)
      expect(
        states.filter((to) => to !== state && leadsTo(machine, state, to)),
        state,
      ).toEqual([]);
    for (const state of states.filter((one) => !final.includes(one))) {
      expect(
        states.some((to) => leadsTo(machine, state, to)),
        state,
      ).toBe(true);
    }
  });
});

test("taskMachine › a completed task opens again only as a group", () => {
  expect(TASK_STATUSES.filter((to) => leadsTo(taskMachine, "completed", to))).toEqual(["blocked"]);
  expect(taskMachine.transitions.reopen).toEqual({ from: ["completed"], to: "blocked" });
  expect(TASK_STATUSES.filter(isTerminalTask)).toEqual(["completed", "failed", "cancelled"]);
});
