/** `perdure completion` */

import { PerdureError } from "../../base/errors.ts";
import { COMPLETION_SHELLS, completionScript, loadCompletions } from "../completion-scripts.ts";
import type { Verb } from "../verb.ts";

export const completion: Verb = {
  arguments: [{ name: "SHELL", help: "bash, zsh or fish", values: COMPLETION_SHELLS }],
  options: [],
  examples: [
    'eval "$(perdure completion bash)"',
    'perdure completion zsh > "${fpath[1]}/_perdure"',
    "perdure completion fish > ~/.config/fish/completions/perdure.fish",
  ],
  async run({ args, output }) {
    const shell = COMPLETION_SHELLS.find((name) => name === args.text("SHELL"));
    if (shell === undefined) throw new PerdureError("usage", { message: "SHELL is one of bash, zsh, fish" });
    const script = completionScript(shell, await loadCompletions());
    if (output.isJson) output.printData({ shell, script });
    else output.print(script);
    return 0;
  },
};
