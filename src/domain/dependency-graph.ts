/** Order and cycles in a graph of needs. Iterative, O(nodes + edges). */

type Needs = (node: string) => readonly string[];

/**
 * A cycle as the nodes on it, the first repeated at the end (`["a", "b", "a"]` when a needs b and b needs a), or `null`.
 * Needs that are not among `nodes` are ignored.
 */
export function findCycle(nodes: readonly string[], needsOf: Needs): readonly string[] | null {
  const walked = walk(nodes, needsOf);
  return "cycle" in walked ? walked.cycle : null;
}

/** `nodes` so that each stands after all it needs; otherwise in their given order. The graph must have no cycle. */
export function inDependencyOrder(nodes: readonly string[], needsOf: Needs): readonly string[] {
  const walked = walk(nodes, needsOf);
  return "cycle" in walked ? nodes : walked.order;
}

type Walked = { readonly order: readonly string[] } | { readonly cycle: readonly string[] };

/** Depth first from every node; meeting a node that is still on the path closes a cycle. */
function walk(nodes: readonly string[], needsOf: Needs): Walked {
  const known = new Set(nodes);
  const state = new Map<string, "on-path" | "done">();
  const order: string[] = [];
  for (const root of nodes) {
    if (state.has(root)) continue;
    const path: { readonly node: string; readonly needs: readonly string[]; next: number }[] = [];
    const enter = (node: string): void => {
      state.set(node, "on-path");
      path.push({ node, needs: needsOf(node), next: 0 });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const need = top.needs[top.next++];
      if (need === undefined) {
        state.set(top.node, "done");
        order.push(top.node);
        path.pop();
      } else if (known.has(need)) {
        if (state.get(need) === "on-path")
          return {
            cycle: closeCycle(
              path.map((step) => step.node),
              need,
            ),
          };
        if (!state.has(need)) enter(need);
      }
    }
  }
  return { order };
}

function closeCycle(path: readonly string[], repeated: string): readonly string[] {
  return [...path.slice(path.indexOf(repeated)), repeated];
}
