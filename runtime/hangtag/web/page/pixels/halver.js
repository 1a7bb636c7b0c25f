/** The first half of the kernel halved-linear-exact: of large pictures, means of two by two pixels. */

/** @typedef {import("./geometry.js").Rectangle} Rectangle */

const RED_AND_BLUE = 0xff00ff;
const TWO_AND_TWO = 0x20002;
const OPAQUE = 0xff000000;

/**
 * Halves a rectangle that is at least twice the size to be had, both ways.
 *
 * The rows that are read are `step` apart, half as many as the rectangle is times larger: to read every row of a
 * large frame would cost more than all the rest. What does not divide is left out, at both ends alike.
 */
export class Halver {
  #left;
  #top;
  #step;

  /**
   * @param {Rectangle} source
   * @param {number} times how many times larger it is than the size to be had, in whole numbers, from 2
   */
  constructor([x, y, width, height], times) {
    this.#step = times >> 1;
    this.width = width >> 1;
    this.height = Math.floor(height / (2 * this.#step));
    this.#left = x; // of an odd width the last column is left out
    this.#top = y + ((height - 2 * this.#step * this.height) >> 1) + ((this.#step - 1) >> 1);
    /** The halved picture, width * height words. */
    this.words = new Int32Array(this.width * this.height);
  }

  /**
   * Fills {@link words}.
   *
   * @param {Int32Array} words the picture
   * @param {number} stride its width
   * @returns {number} all words that were read, combined bit by bit: tells whether all were opaque
   */
  halve(words, stride) {
    const { width, height, words: halves } = this;
    const down = this.#step * stride;
    let seen = -1;
    for (let y = 0; y < height; y++) {
      let at = this.#left + (this.#top + 2 * y * this.#step) * stride;
      for (let to = y * width; to < (y + 1) * width; to++, at += 2) {
        const a = words[at];
        const b = words[at + 1];
        const c = words[at + down];
        const d = words[at + down + 1];
        seen &= a & b & c & d;
        const both = (a & RED_AND_BLUE) + (b & RED_AND_BLUE) + (c & RED_AND_BLUE) + (d & RED_AND_BLUE) + TWO_AND_TWO;
        const green = (a & 0xff00) + (b & 0xff00) + (c & 0xff00) + (d & 0xff00) + 0x200;
        halves[to] = OPAQUE | ((both >>> 2) & RED_AND_BLUE) | ((green >>> 2) & 0xff00);
      }
    }
    return seen;
  }
}
