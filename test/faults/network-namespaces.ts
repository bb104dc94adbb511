/** Hosts of their own on this machine: network namespaces on one bridge, each of which can be cut off. Linux, and root's. */

import { execFileSync } from "node:child_process";

export interface NamespacedHost {
  readonly namespace: string;
  /** Its cable is pulled: what is under way vanishes, and nobody is told. */
  partition(): void;
  heal(): void;
}

export interface Namespaces {
  /** The address of this machine on the bridge. */
  readonly address: string;
  readonly hosts: readonly NamespacedHost[];
  remove(): void;
}

/** @returns why it cannot be done here, in place of the namespaces. */
export function createNamespaces(count: number): Namespaces | string {
  const id = `pf${process.pid % 100_000}`;
  const subnet = `10.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`;
  const address = `${subnet}.1`;
  const bridge = `${id}b`;
  const names = Array.from({ length: count }, (_, index) => `${id}-${index}`);
  const remove = (): void => {
    for (const name of names) quietly("netns", "del", name);
    quietly("link", "del", bridge);
  };
  try {
    ip("link", "add", bridge, "type", "bridge");
    ip("addr", "add", `${address}/24`, "dev", bridge);
    ip("link", "set", bridge, "up");
    const hosts = names.map((namespace, index) =>
      joinBridge({ namespace, bridge, address: `${subnet}.${index + 10}` }),
    );
    return { address, hosts, remove };
  } catch (error) {
    remove();
    return `network namespaces cannot be made here: ${error instanceof Error ? error.message : String(error)}`;
  }
}

interface Joining {
  readonly namespace: string;
  readonly bridge: string;
  readonly address: string;
}

function joinBridge({ namespace, bridge, address }: Joining): NamespacedHost {
  const cable = `${namespace}v`;
  ip("netns", "add", namespace);
  ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace);
  ip("link", "set", cable, "master", bridge, "up");
  ip("-n", namespace, "addr", "add", `${address}/24`, "dev", "eth0");
  ip("-n", namespace, "link", "set", "eth0", "up");
  ip("-n", namespace, "link", "set", "lo", "up");
  return {
    namespace,
    partition: () => ip("link", "set", cable, "nomaster"),
    heal: () => ip("link", "set", cable, "master", bridge),
  };
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function quietly(...args: readonly string[]): void {
  try {
    ip(...args);
  } catch {
    // It was not there.
  }
}
