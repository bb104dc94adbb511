/** Servers of a project in processes of their own, as agents start them, and clients that speak to them. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const BIN = resolve(import.meta.dirname, "../../bin/perdure.js");

export interface McpProcesses {
  readonly directory: string;
  /** `perdure mcp --http` with more words; resolves once it listens. */
  listen(...words: readonly string[]): Promise<HttpProcess>;
  /** How `perdure mcp` is started over stdio. */
  readonly command: { readonly command: string; readonly args: string[] };
  end(): void;
}

export interface HttpProcess {
  readonly url: string;
  readonly process: ChildProcess;
  /** With SIGKILL. Resolves once it is gone. */
  kill(): Promise<void>;
}

export function createMcpProcesses(): McpProcesses {
  const directory = mkdtempSync(join(tmpdir(), "perdure-mcp-"));
  const started: ChildProcess[] = [];
  return {
    directory,
    command: { command: process.execPath, args: [BIN, "mcp", "--project", directory] },
    async listen(...words) {
      const args = [BIN, "mcp", "--http", "--port", "0", "--project", directory, ...words];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      started.push(child);
      const gone = new Promise<void>((settle) => child.once("exit", () => settle()));
      const url = await new Promise<string>((found, failed) => {
        createInterface({ input: child.stderr }).on("line", (line) => {
          const address = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(line)?.[0];
          if (address !== undefined) found(address);
        });
        void gone.then(() => failed(new Error("the server ended before it listened")));
      });
      return {
        url,
        process: child,
        async kill() {
          child.kill("SIGKILL");
          await gone;
        },
      };
    },
    end() {
      for (const child of started) child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
