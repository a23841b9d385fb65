/** The web client's core for tests in node: from a copy, which tells node that its .js files are ES modules. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const CORE = fileURLToPath(
  new URL("../../localroots_chat/webclient/static/webclient/js/core", import.meta.url),
);

globalThis.crypto ??= webcrypto; // a global only from node 19 on

/**
 * All that these modules export.
 * @param {string[]} modules
 * @param {object} [options]
 * @param {string} [options.folder] where they are
 * @param {Record<string, Record<string, number>>} [options.constants] other values, by module and name
 */
export async function core(modules, { folder = CORE, constants = {} } = {}) {
  const copy = mkdtempSync(join(tmpdir(), "core-"));
  try {
    cpSync(folder, copy, { recursive: true });
    writeFileSync(join(copy, "package.json"), '{"type": "module"}');
    for (const [name, values] of Object.entries(constants)) replace(join(copy, name), values);
    return Object.assign({}, ...(await Promise.all(modules.map((name) => import(pathToFileURL(join(copy, name)))))));
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function replace(path, values) {
  let text = readFileSync(path, "utf-8");
  for (const [name, value] of Object.entries(values)) {
    const other = text.replace(new RegExp(`const ${name} = [\\d_]+;`), `const ${name} = ${value};`);
    if (other === text) throw new Error(`${path} has no constant ${name}`);
    text = other;
  }
  writeFileSync(path, text);
}
