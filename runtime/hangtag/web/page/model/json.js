/** JSON of unknown origin, read as strictly as hangtag.contract_json does: a field stands once. */

import { ModelError, quoted } from "./errors.js";

/**
 * Returns what a JSON file embedded in a model holds.
 *
 * Its objects are as JSON.parse makes them: a field called `__proto__` is a field like any other, so look
 * fields up with Object.hasOwn or Object.entries, and never copy them by assignment.
 *
 * @param {Uint8Array} bytes UTF-8
 * @param {string} where what messages call it
 * @returns {unknown}
 * @throws {ModelError} it is not UTF-8, not JSON, or an object of it holds a field twice
 */
export function parseJson(bytes, where) {
  let value;
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelError(`${where} is not valid JSON: ${reason(error)}`);
  }
  const twice = repeatedField(text);
  if (twice !== null) throw new ModelError(`${where} holds the field ${quoted(twice)} twice`);
  return value;
}

/** @param {unknown} error */
function reason(error) {
  // Engines quote the text in their messages, line breaks and all.
  return quoted(error instanceof Error ? error.message : error).slice(1, -1);
}

/**
 * Returns a field's name that stands twice in one object, null where there is none.
 *
 * @param {string} text valid JSON, so that strings and brackets are all that need be looked at
 */
function repeatedField(text) {
  /** @type {(Set<string> | null)[]} the names of each open object; null for an open list */
  const open = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{") open.push(new Set());
    else if (character === "[") open.push(null);
    else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const end = stringEnd(text, at);
      const names = open.at(-1);
      if (names && isName(text, end)) {
        const name = JSON.parse(text.slice(at, end));
        if (names.has(name)) return name;
        names.add(name);
      }
      at = end - 1;
    }
  }
  return null;
}

/**
 * Returns the place behind a string's closing quotation mark.
 *
 * @param {string} text
 * @param {number} start where its opening one stands
 */
function stringEnd(text, start) {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/**
 * @param {string} text
 * @param {number} end where a string of an object ends
 */
function isName(text, end) {
  let at = end;
  while (" \t\n\r".includes(text[at])) at++;
  return text[at] === ":";
}
