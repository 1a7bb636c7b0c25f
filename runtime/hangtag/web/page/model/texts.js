/** Checks of the texts in a contract, as hangtag.contract makes them. */

import { ModelError, quoted } from "./errors.js";

const MAX_LABELS = 100_000;

// What Python calls a blank: \s of JavaScript's expressions differs in a few characters.
const BLANKS = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const PADDED = new RegExp(`^[${BLANKS}]|[${BLANKS}]$`, "u");
const FILE_NAME = new RegExp(`^[^/\\\\:.${BLANKS}](?:[^/\\\\:]{0,98}[^/\\\\:.${BLANKS}])?$`, "u");
const CONTROL = /[\x00-\x1f\x7f\x85\u2028\u2029]/;
const HALF_CHARACTER = /\p{Surrogate}/u;
const LOCALE = /^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/;

/** @param {readonly string[]} labels */
export function checkLabels(labels) {
  if (labels.length < 1 || labels.length > MAX_LABELS) {
    throw new ModelError(`the contract has ${labels.length} labels; wanted 1 to ${MAX_LABELS}`);
  }
  const seen = new Set();
  for (const label of labels) {
    checkLine("contract.labels", label, { asLabel: true });
    if (seen.has(label)) throw new ModelError(`label ${quoted(label)} stands twice in the contract`);
    seen.add(label);
  }
}

/**
 * Throws unless a text is a single line; a label must not be empty or padded either, since labels.txt holds
 * one a line.
 *
 * @param {string} where
 * @param {string} text
 * @param {{asLabel?: boolean}} [how]
 */
export function checkLine(where, text, { asLabel = false } = {}) {
  checkText(where, text);
  if (CONTROL.test(text)) throw new ModelError(`${where} holds a control character: ${quoted(text)}`);
  if (asLabel && (text === "" || PADDED.test(text))) {
    throw new ModelError(`${where} holds ${quoted(text)}, which is empty or padded with blanks`);
  }
}

/**
 * Throws where a text holds half a character, which JSON can spell and no file can hold.
 *
 * @param {string} where
 * @param {string} text
 */
export function checkText(where, text) {
  if (HALF_CHARACTER.test(text)) throw new ModelError(`${where} holds ${quoted(text)}, which is no valid Unicode`);
}

/** @param {string} text */
export function isLocale(text) {
  return LOCALE.test(text);
}

/** @param {string} text */
export function isFileName(text) {
  return FILE_NAME.test(text);
}
