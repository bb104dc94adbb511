/**
 * A TCP proxy that does to connections what networks do: delays each way, cuts, lets one direction or both
 * vanish without a word, refuses. A connection of which bytes were lost stays dead when the network heals, as nobody
 * resends them; its ends find out by themselves.
 */

import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export type Direction = "toServer" | "toClient";

export interface TcpProxy {
  readonly port: number;
  /** A URL of the server, led through here. */
  through(url: string): string;
  connectionCount(): number;
  /** Everything that comes in from now on is passed on after so long. */
  delay(ms: number, direction?: Direction): void;
  /** Resets all connections, or as many as `most`, chosen at random. New ones are let through. Returns how many. */
  cut(most?: number): number;
  /** One direction vanishes, of the connections there are and of new ones; nothing is closed. */
  halfOpen(direction: Direction): void;
  /** Both directions vanish. New connections are accepted, and nothing ever answers. */
  blackhole(): void;
  /**
   * Lies in wait for these bytes on their way to the server: they are swallowed, or passed on and their answer is. Resolves
   * when it has happened; all later connections work.
   */
  ambush(bytes: string, swallowed: "request" | "answer"): Promise<void>;
  /** New connections are refused. */
  refuse(): Promise<void>;
  /** New connections work. Those that lost nothing go on. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

interface ProxyOptions {
  readonly host: string;
  readonly port: number;
  /** The address it listens on. Default: loopback. */
  readonly listenOn?: string;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Directions that an ambush has taken. */
  readonly lost: Set<Direction>;
}

export async function startTcpProxy({
  host,
  port: serverPort,
  listenOn = "127.0.0.1",
}: ProxyOptions): Promise<TcpProxy> {
  const links = new Set<Link>();
  const delayMs: Record<Direction, number> = { toServer: 0, toClient: 0 };
  const vanishing = new Set<Direction>();
  let trap: { readonly bytes: string; readonly swallowed: "request" | "answer"; readonly spring: () => void } | null =
    null;

  const pass = (link: Link, direction: Direction): void => {
    const [from, to] = direction === "toServer" ? [link.client, link.server] : [link.server, link.client];
    let isLost = false;
    /** In order, also when the delay grows shorter. */
    const queue: (() => void)[] = [];
    let dueAt = 0;
    const later = (act: () => void): void => {
      const now = performance.now();
      dueAt = Math.max(dueAt, now + delayMs[direction]);
      if (dueAt === now && queue.length === 0) return act();
      queue.push(act);
      setTimeout(() => queue.shift()?.(), dueAt - now);
    };
    const passOn = (act: () => void): void => {
      if (vanishing.has(direction) || link.lost.has(direction)) isLost = true;
      if (isLost) return;
      later(() => {
        if (!to.destroyed) act();
      });
    };
    from.on("data", (chunk) => {
      if (trap !== null && direction === "toServer" && chunk.includes(trap.bytes)) {
        link.lost.add("toClient");
        if (trap.swallowed === "request") link.lost.add("toServer");
        trap.spring();
      }
      passOn(() => to.write(chunk));
    });
    from.on("end", () => passOn(() => to.end()));
    from.on("error", () => passOn(() => to.resetAndDestroy()));
    from.on("close", () => {
      if (to.destroyed || to.closed) links.delete(link);
    });
  };

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connect({ host, port: serverPort, allowHalfOpen: true, noDelay: true });
    const link = { client, server, lost: new Set<Direction>() };
    links.add(link);
    pass(link, "toServer");
    pass(link, "toClient");
  });
  const listen = async (port: number): Promise<void> =>
    new Promise((done, fail) => {
      listener.once("error", fail);
      listener.listen(port, listenOn, () => {
        listener.removeListener("error", fail);
        done();
      });
    });
  /** Calls back once all connections have ended, which is not waited for. */
  const stopListening = (): void => void listener.close();
  await listen(0);
  const { port } = listener.address() as AddressInfo;

  const cut = (most = Number.POSITIVE_INFINITY): number => {
    const all = [...links];
    const chosen = all.toSorted(() => Math.random() - 0.5).slice(0, most);
    for (const link of chosen) {
      links.delete(link);
      link.client.resetAndDestroy();
      link.server.resetAndDestroy();
    }
    return chosen.length;
  };
  return {
    port,
    through(url) {
      const changed = new URL(url);
      changed.host = `${listenOn}:${port}`;
      return changed.href;
    },
    connectionCount: () => links.size,
    delay(ms, direction) {
      for (const each of direction === undefined ? (["toServer", "toClient"] as const) : [direction])
        delayMs[each] = ms;
    },
    cut,
    halfOpen: (direction) => void vanishing.add(direction),
    blackhole() {
      vanishing.add("toServer").add("toClient");
    },
    ambush: async (bytes, swallowed) =>
      new Promise((done) => {
        const spring = (): void => {
          trap = null;
          done();
        };
        trap = { bytes, swallowed, spring };
      }),
    async refuse() {
      if (listener.listening) stopListening();
    },
    async heal() {
      vanishing.clear();
      delayMs.toServer = 0;
      delayMs.toClient = 0;
      if (!listener.listening) await listen(port);
    },
    async close() {
      if (listener.listening) stopListening();
      cut();
    },
  };
}
