/** The project as one agent changes it: the change log names the agent, not the server. */

import type { OperationContext } from "../operations/operation.ts";

/** The store stays unopened until it is used. */
export function asActor(context: OperationContext, actor: string): OperationContext {
  const acting: OperationContext = Object.create(context, {
    store: { get: () => actingStore(context.store, actor) },
  });
  return acting;
}

type Store = OperationContext["store"];

function actingStore(store: Store, actor: string): Store {
  const acting: Store = {
    execute: (command, input, options) => store.execute(command, input, { actor, ...options }),
    onCommit: (listener) => store.onCommit(listener),
    close: () => store.close(),
  };
  return store.inspect === undefined ? acting : { ...acting, inspect: store.inspect.bind(store) };
}
