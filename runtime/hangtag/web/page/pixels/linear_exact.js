/**
 * Bilinear resampling in whole numbers, weights of 1/256: OpenCV's INTER_LINEAR_EXACT, to the byte.
 *
 * Pixels are 32-bit words, red in the lowest byte and alpha in the highest (RGBA in memory: every machine that
 * runs WebAssembly is little-endian). Red and blue go through the horizontal half together, each in its own 16
 * bits of a word.
 */

import { roundHalfToEven } from "./rounding.js";

const ONE = 256;
const RED_AND_BLUE = 0xff00ff;
const OPAQUE = 0xff000000;

/** One size of source to one size of target; keeps its rows between calls, so give it one caller at a time. */
export class LinearExact {
  #columns;
  #rows;
  #upper;
  #lower;

  /**
   * @param {number} sourceWidth
   * @param {number} sourceHeight
   * @param {number} width the target's
   * @param {number} height
   */
  constructor(sourceWidth, sourceHeight, width, height) {
    this.#columns = axis(sourceWidth, width);
    this.#rows = axis(sourceHeight, height);
    this.#upper = newRow(width);
    this.#lower = newRow(width);
  }

  /**
   * Fills `target` from a rectangle of a picture.
   *
   * @param {Int32Array} words the picture
   * @param {number} start where the rectangle's first pixel stands
   * @param {number} stride words from one row of the picture to the next
   * @param {Int32Array} target
   * @returns {number} all words that were read, combined bit by bit: tells whether all were opaque
   */
  resample(words, start, stride, target) {
    const { first, second, weight } = this.#rows;
    let [upper, lower] = [this.#upper, this.#lower];
    upper.y = lower.y = -1;
    let seen = -1;
    for (let y = 0; y < first.length; y++) {
      // The row that was the lower one is often the upper one next.
      if (lower.y === first[y]) [upper, lower] = [lower, upper];
      if (upper.y !== first[y]) seen &= readRow(words, start + first[y] * stride, this.#columns, upper);
      upper.y = first[y];
      if (lower.y !== second[y]) seen &= readRow(words, start + second[y] * stride, this.#columns, lower);
      lower.y = second[y];
      mixRows(upper, lower, weight[y], target, y * upper.green.length);
    }
    return seen;
  }
}

/**
 * For each target position: the two source positions around it, and the second one's weight in 1/256.
 *
 * @param {number} sourceSize
 * @param {number} targetSize
 */
function axis(sourceSize, targetSize) {
  const first = new Int32Array(targetSize);
  const second = new Int32Array(targetSize);
  const weight = new Int32Array(targetSize);
  // In this order: another order of the same steps rounds otherwise.
  const scale = 1 / (targetSize / sourceSize);
  for (let i = 0; i < targetSize; i++) {
    const position = scale * (i + 0.5) - 0.5;
    const below = Math.floor(position);
    const isInside = below >= 0 && below < sourceSize - 1;
    first[i] = Math.min(Math.max(below, 0), sourceSize - 1);
    second[i] = isInside ? below + 1 : first[i];
    weight[i] = isInside ? roundHalfToEven((position - below) * ONE) : 0;
  }
  return { first, second, weight };
}

/** @typedef {{y: number, redAndBlue: Int32Array, green: Int32Array}} Row one row of the source, resized sideways */

/**
 * @param {number} width
 * @returns {Row}
 */
function newRow(width) {
  return { y: -1, redAndBlue: new Int32Array(width), green: new Int32Array(width) };
}

/**
 * Resizes one row of the source sideways; its values are the colours' times 256.
 *
 * @param {Int32Array} words
 * @param {number} start
 * @param {{first: Int32Array, second: Int32Array, weight: Int32Array}} columns
 * @param {Row} row
 */
function readRow(words, start, columns, row) {
  const { first, second, weight } = columns;
  const { redAndBlue, green } = row;
  let seen = -1;
  for (let x = 0; x < first.length; x++) {
    const left = words[start + first[x]];
    const right = words[start + second[x]];
    const after = weight[x];
    const before = ONE - after;
    seen &= left & right;
    redAndBlue[x] = (Math.imul(left & RED_AND_BLUE, before) + Math.imul(right & RED_AND_BLUE, after)) | 0;
    green[x] = ((left >>> 8) & 0xff) * before + ((right >>> 8) & 0xff) * after;
  }
  return seen;
}

/**
 * @param {Row} upper
 * @param {Row} lower
 * @param {number} below the lower row's weight
 * @param {Int32Array} target
 * @param {number} start
 */
function mixRows(upper, lower, below, target, start) {
  const above = ONE - below;
  const { redAndBlue: upperBoth, green: upperGreen } = upper;
  const { redAndBlue: lowerBoth, green: lowerGreen } = lower;
  for (let x = 0; x < upperGreen.length; x++) {
    const over = upperBoth[x];
    const under = lowerBoth[x];
    const red = ((over & 0xffff) * above + (under & 0xffff) * below + 0x8000) >>> 16;
    const green = (upperGreen[x] * above + lowerGreen[x] * below + 0x8000) >>> 16;
    const blue = ((over >>> 16) * above + (under >>> 16) * below + 0x8000) >>> 16;
    target[start + x] = OPAQUE | (blue << 16) | (green << 8) | red;
  }
}
