import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { TcpProxy } from "./tcp-proxy.ts";
import { startTcpProxy } from "./tcp-proxy.ts";

/** Answers what it is sent, and keeps what came. */
interface Echo {
  readonly listener: Server;
  readonly sockets: Socket[];
  received: string;
}

let echo: Echo;
let proxy: TcpProxy;
const clients: Client[] = [];

beforeEach(async () => {
  echo = await startEcho();
  proxy = await startTcpProxy({ host: "127.0.0.1", port: (echo.listener.address() as AddressInfo).port });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await proxy.close();
  for (const socket of echo.sockets) socket.destroy();
  echo.listener.close();
});

describe("a proxy", () => {
  test("passes on both ways", async () => {
    const client = await aClient();
    client.socket.write("hello");
    await client.until("hello");
  });

  test("delays one way, in order", async () => {
    const client = await aClient();
    proxy.delay(100, "toClient");
    const startedAt = performance.now();
    client.socket.write("a");
    await pause(10);
    proxy.delay(0, "toClient");
    client.socket.write("b");
    await client.until("ab");
    expect(performance.now() - startedAt).toBeGreaterThan(95);
  });

  test("cuts both ends with a reset, and lets new ones in", async () => {
    const client = await aClient();
    client.socket.write("hello");
    await client.until("hello");
    expect(proxy.cut()).toBe(1);
    expect(await client.ended).toBe("ECONNRESET");
    const next = await aClient();
    next.socket.write("again");
    await next.until("again");
  });

  test.each(["toServer", "toClient"] as const)("half-opens %s without closing, for good", async (direction) => {
    const client = await aClient();
    client.socket.write("1");
    await client.until("1");
    proxy.halfOpen(direction);
    client.socket.write("2");
    await pause(50);
    expect(client.received).toBe("1");
    expect(echo.received).toBe(direction === "toServer" ? "1" : "12");
    await proxy.heal();
    client.socket.write("3");
    await pause(50);
    expect(client.received).toBe("1");
    expect(client.socket.readyState).toBe("open");
    const next = await aClient();
    next.socket.write("4");
    await next.until("4");
  });

  test("swallows: accepts and never answers", async () => {
    proxy.blackhole();
    const client = await aClient();
    client.socket.write("hello");
    await pause(50);
    expect([client.received, echo.received]).toEqual(["", ""]);
    expect(client.socket.readyState).toBe("open");
  });

  test("refuses, and heals on the same port", async () => {
    const before = await aClient();
    await proxy.refuse();
    await expect(aClient()).rejects.toThrow("ECONNREFUSED");
    before.socket.write("still");
    await before.until("still");
    await proxy.heal();
    const after = await aClient();
    after.socket.write("there");
    await after.until("there");
  });

  test("tells the server when a client has gone", async () => {
    const client = await aClient();
    client.socket.write("hello");
    await client.until("hello");
    client.socket.end();
    expect(await client.ended).toBe("end");
    expect(proxy.connectionCount()).toBe(0);
  });
});

async function startEcho(): Promise<Echo> {
  const listener = createServer((socket) => {
    made.sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      made.received += chunk.toString();
      socket.write(chunk);
    });
  });
  const made: Echo = { listener, sockets: [], received: "" };
  await new Promise<void>((done) => {
    listener.listen(0, "127.0.0.1", done);
  });
  return made;
}

interface Client {
  readonly socket: Socket;
  readonly received: string;
  /** `end`, or the code of the error. */
  readonly ended: Promise<string>;
  until(text: string): Promise<void>;
}

async function aClient(): Promise<Client> {
  const socket = connect(proxy.port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  const ended = new Promise<string>((done) => {
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? "error"));
    socket.on("close", () => done("end"));
  });
  const client: Client = {
    socket,
    ended,
    get received() {
      return received;
    },
    async until(text) {
      while (client.received !== text) await pause(5);
    },
  };
  clients.push(client);
  await new Promise<void>((done, fail) => {
    socket.once("connect", done);
    socket.once("error", fail);
  });
  return client;
}
