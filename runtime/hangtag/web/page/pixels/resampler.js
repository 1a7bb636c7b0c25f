/** A rectangle of a picture brought to another size by one of the contract's exact kernels, to the byte. */

import { Halver } from "./halver.js";
import { LinearExact } from "./linear_exact.js";

/** Resamples the same rectangle of pictures of one size, again and again. */
export class Resampler {
  #stride;
  #start;
  #halver;
  #linear;

  /**
   * @param {number} stride width of the pictures
   * @param {import("./geometry.js").Rectangle} source
   * @param {number} width what it becomes
   * @param {number} height
   * @param {"linear-exact" | "halved-linear-exact"} kernel
   */
  constructor(stride, source, width, height, kernel) {
    const [left, top, sourceWidth, sourceHeight] = source;
    const times = Math.floor(Math.min(sourceWidth / width, sourceHeight / height));
    this.#stride = stride;
    this.#start = top * stride + left;
    this.#halver = kernel === "halved-linear-exact" && times >= 2 ? new Halver(source, times) : null;
    this.#linear = this.#halver
      ? new LinearExact(this.#halver.width, this.#halver.height, width, height)
      : new LinearExact(sourceWidth, sourceHeight, width, height);
    /** The resampled rectangle, width * height words. */
    this.words = new Int32Array(width * height);
  }

  /**
   * Fills {@link words} from a picture.
   *
   * @param {Int32Array} picture its pixels as words
   * @returns {boolean} true where all pixels that count are opaque
   */
  resample(picture) {
    let seen;
    if (this.#halver) {
      seen = this.#halver.halve(picture, this.#stride);
      this.#linear.resample(this.#halver.words, 0, this.#halver.width, this.words);
    } else {
      seen = this.#linear.resample(picture, this.#start, this.#stride, this.words);
    }
    return seen >>> 24 === 0xff;
  }
}
