// The constants that the page shares with the Python side, as a model's description brings them.

import { readFileSync } from "node:fs";

export const shared = JSON.parse(readFileSync(new URL("../../gansynth_core/shared.json", import.meta.url), "utf8"));
