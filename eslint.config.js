import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".venv/", "build/", "dist/", "runs/", "data/"] },
  js.configs.recommended,
  {
    files: ["webapp/static/**/*.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      // A reader holds a file, and a function, in the head at once.
      "max-lines": ["error", { max: 300 }],
      "max-lines-per-function": ["error", { max: 120 }],
    },
  },
  { files: ["tests/js/**/*.mjs"], languageOptions: { globals: globals.node } },
  {
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
