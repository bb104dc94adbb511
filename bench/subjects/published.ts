/** Perdure as it is published: the compiled files, because stripping types at start would be measured too. */

import { existsSync } from "node:fs";

/** A module of `dist/` under the type of the source it was compiled from. */
export async function published<Module>(file: string): Promise<Module> {
  const url = new URL(`../../dist/${file}`, import.meta.url);
  if (!existsSync(url)) throw new Error(`${url.pathname} is missing: run \`npm run build\` first`);
  return (await import(url.href)) as Module;
}
