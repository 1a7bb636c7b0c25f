/** Takes a JSON object apart field by field: each has the type that it should, or it is an error. */

import { ModelError, quoted } from "./errors.js";

/** The fields of one JSON object, each to be taken once; leftovers are an error. */
export class Fields {
  /** @type {Map<string, unknown>} */
  #left;
  #where;

  /**
   * @param {unknown} plain what JSON.parse made of it
   * @param {string} where what messages call the object
   */
  constructor(plain, where) {
    if (typeof plain !== "object" || plain === null || Array.isArray(plain)) {
      throw new ModelError(`${where} is ${quoted(plain)}; wanted an object`);
    }
    // A map, in which no name means anything: neither __proto__ nor constructor.
    this.#left = new Map(Object.entries(plain));
    this.#where = where;
  }

  /** @param {string} name */
  take(name) {
    if (!this.#left.has(name)) throw new ModelError(`${this.#where} has no field ${quoted(name)}`);
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  /**
   * @param {string} name
   * @returns {string}
   */
  text(name) {
    const value = this.take(name);
    if (typeof value !== "string") throw this.wrong(name, value, "a text");
    return value;
  }

  /**
   * @param {string} name
   * @returns {string | null}
   */
  textOrNull(name) {
    return this.#isNull(name) ? null : this.text(name);
  }

  /**
   * @param {string} name
   * @returns {number}
   */
  number(name) {
    const value = this.take(name);
    if (!Number.isFinite(value)) throw this.wrong(name, value, "a finite number");
    return /** @type {number} */ (value);
  }

  /**
   * @param {string} name
   * @returns {number | null}
   */
  numberOrNull(name) {
    return this.#isNull(name) ? null : this.number(name);
  }

  /**
   * Returns a whole number; JSON that spells one as 224.0, which Python refuses, cannot be told from 224 here.
   *
   * @param {string} name
   * @param {number} low
   * @param {number} high
   * @returns {number}
   */
  integer(name, low, high) {
    const value = this.take(name);
    if (!Number.isInteger(value) || Number(value) < low || Number(value) > high) {
      throw this.wrong(name, value, `a whole number from ${low} to ${high}`);
    }
    return /** @type {number} */ (value);
  }

  /**
   * @template {string} T
   * @param {string} name
   * @param {readonly T[]} choices
   * @returns {T}
   */
  oneOf(name, choices) {
    const value = this.take(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw this.wrong(name, value, `one of ${choices.join(", ")}`);
    return found;
  }

  /**
   * @param {string} name
   * @returns {readonly number[]} frozen
   */
  numbers(name) {
    return this.#list(name, Number.isFinite, "a list of finite numbers");
  }

  /**
   * @param {string} name
   * @returns {readonly string[]} frozen
   */
  texts(name) {
    return this.#list(name, (item) => typeof item === "string", "a list of texts");
  }

  /**
   * @param {string} name
   * @returns {Fields}
   */
  object(name) {
    return new Fields(this.take(name), `${this.#where}.${name}`);
  }

  /** The names of the fields that were not taken yet. */
  get names() {
    return [...this.#left.keys()];
  }

  /** Throws where a field was not taken. */
  done() {
    if (this.#left.size > 0) {
      throw new ModelError(`${this.#where} has unknown fields: ${this.names.slice(0, 3).map(quoted).join(", ")}`);
    }
  }

  /**
   * Returns the error that says that a field holds something else than it should.
   *
   * @param {string} name
   * @param {unknown} value
   * @param {string} wanted
   */
  wrong(name, value, wanted) {
    return new ModelError(`${this.#where}.${quoted(name).slice(1, -1)} is ${quoted(value)}; wanted ${wanted}`);
  }

  /** @param {string} name */
  #isNull(name) {
    if (this.#left.get(name) !== null) return false;
    this.#left.delete(name);
    return true;
  }

  /**
   * @param {string} name
   * @param {(item: unknown) => boolean} fits
   * @param {string} wanted
   * @returns {readonly any[]}
   */
  #list(name, fits, wanted) {
    const value = this.take(name);
    if (!Array.isArray(value)) throw this.wrong(name, value, wanted);
    const odd = value.findIndex((item) => !fits(item));
    if (odd >= 0) throw this.wrong(`${name}[${odd}]`, value[odd], `${wanted} in ${name}`);
    return Object.freeze(value);
  }
}
