/**
 * The one way from a picture to the tensor that a model was trained on: hangtag.preprocess in the browser, byte
 * for byte.
 *
 * Crop, resize, order of the colours, all in bytes; then one look-up per byte in a table. Where a full-integer
 * model's table is the identity, the pixels are the tensor and the look-up is left out.
 */

import { ModelError } from "../model/errors.js";
import { flattenOnWhite, writeColours } from "./colours.js";
import { sourceRectangle, targetRectangle } from "./geometry.js";
import { Resampler } from "./resampler.js";
import { lookUp, newTensor, tensorTable } from "./table.js";

export { sourceRectangle };

/** @typedef {import("../model/contract_json.js").InputSpec} InputSpec */

/** @typedef {import("./table.js").Tensor} Tensor */

/**
 * What pictures of one size need.
 *
 * @typedef {object} Plan
 * @property {number} width
 * @property {number} height
 * @property {import("./geometry.js").Rectangle} target
 * @property {Resampler} resampler
 * @property {Int32Array | null} flat for pictures that are not opaque, made when one comes
 */

/** Turns pictures into input tensors, with its buffers, table and the plan for pictures of a size made once. */
export class Preprocessor {
  #spec;
  /** @type {"linear-exact" | "halved-linear-exact"} */
  #kernel;
  #table;
  #pixels;
  /** @type {Tensor} */
  #tensor;
  /** @type {Plan | null} */
  #plan = null;

  /**
   * @param {InputSpec} spec a checked contract's input
   * @throws {ModelError} its kernel gives other bytes on other processors
   */
  constructor(spec) {
    if (spec.kernel !== "linear-exact" && spec.kernel !== "halved-linear-exact") {
      throw new ModelError(
        `the model wants its pictures resized by the kernel ${spec.kernel}, whose bytes differ between ` +
          "processors; this page prepares linear-exact and halved-linear-exact: train with one of these",
      );
    }
    this.#spec = spec;
    this.#kernel = spec.kernel;
    this.#table = tensorTable(spec);
    this.#pixels = new Uint8Array(spec.height_px * spec.width_px * spec.mean.length);
    this.#tensor = this.#table ? newTensor(spec) : this.#pixels;
  }

  /**
   * Returns the input tensor for one picture, shape (1, height, width, channels) in C order.
   *
   * Pixels that are not opaque are laid over white, as hangtag.photos does.
   *
   * @param {Uint8ClampedArray | Uint8Array} rgba 4 * width * height bytes, colours not multiplied by alpha
   * @param {number} width
   * @param {number} height
   * @returns {Tensor} this object's own: the next call overwrites it
   * @throws {RangeError} the picture has no pixels, or not as many as its size says
   */
  prepare(rgba, width, height) {
    const words = wordsOf(rgba, width, height);
    const plan = this.#planFor(width, height);
    if (!plan.resampler.resample(words)) {
      plan.flat ??= new Int32Array(words.length);
      flattenOnWhite(words, plan.flat);
      plan.resampler.resample(plan.flat);
    }
    writeColours(plan.resampler.words, plan.target, this.#spec, this.#pixels);
    if (this.#table) lookUp(this.#pixels, this.#table, this.#tensor);
    return this.#tensor;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #planFor(width, height) {
    if (this.#plan?.width === width && this.#plan.height === height) return this.#plan;
    const source = sourceRectangle(width, height, this.#spec);
    const target = targetRectangle(width, height, this.#spec);
    const resampler = new Resampler(width, source, target[2], target[3], this.#kernel);
    // The bars of a letterbox; pictures of this size will never reach them.
    this.#pixels.fill(this.#spec.pad_value);
    this.#plan = { width, height, target, resampler, flat: null };
    return this.#plan;
  }
}

/**
 * Returns the input tensor for one picture; see {@link Preprocessor}, which is faster for many.
 *
 * @param {Uint8ClampedArray | Uint8Array} rgba
 * @param {number} width
 * @param {number} height
 * @param {InputSpec} spec
 * @returns {Tensor}
 */
export function prepare(rgba, width, height, spec) {
  return new Preprocessor(spec).prepare(rgba, width, height);
}

/**
 * Returns a picture's pixels as words: a view where the bytes lie so that there can be one, else a copy.
 *
 * @param {Uint8ClampedArray | Uint8Array} rgba
 * @param {number} width
 * @param {number} height
 */
function wordsOf(rgba, width, height) {
  const isWhole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!isWhole || rgba.length !== 4 * width * height) {
    throw new RangeError(`a picture of ${width} x ${height} pixels with ${rgba.length} bytes; wanted 4 per pixel`);
  }
  const bytes = rgba.byteOffset % 4 === 0 ? rgba : new Uint8Array(rgba);
  return new Int32Array(bytes.buffer, bytes.byteOffset, width * height);
}
