/** What is said of a model file that cannot be used. */

const LONGEST_QUOTE = 57;

// Everything that is not visible or could turn the line around, but for the plain blank.
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/gu;

/** A model file that cannot be used here; the message is one line. */
export class ModelError extends Error {
  /** @param {string} message what it got, what it wanted, what to do */
  constructor(message) {
    super(message);
    this.name = "ModelError";
  }
}

/**
 * Returns what a message quotes of a value of unknown origin: short, printable, on one line.
 *
 * Lists and objects are named, not written out: they may be as deep and as large as a file can hold.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function quoted(value) {
  if (typeof value === "string") {
    const short = value.length > LONGEST_QUOTE ? `${value.slice(0, LONGEST_QUOTE)}...` : value;
    return `"${printable(short)}"`;
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/**
 * @param {string} text
 * @returns {boolean}
 */
export function isPrintable(text) {
  return text.search(UNPRINTABLE) < 0;
}

/** @param {string} text */
function printable(text) {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
