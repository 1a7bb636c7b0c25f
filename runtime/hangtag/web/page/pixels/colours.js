/** Pixels as 32-bit words, red in the lowest byte, brought into what the model takes or made opaque. */

// The weights of ITU-R BT.601 in 1/32768, as OpenCV rounds them.
const GREY_RED = 9798;
const GREY_GREEN = 19235;
const GREY_BLUE = 3735;

/**
 * Writes a picture into a rectangle of the input's pixels, in the contract's order of colours.
 *
 * @param {Int32Array} words the picture, as large as the rectangle
 * @param {import("./geometry.js").Rectangle} rectangle
 * @param {import("./geometry.js").InputSpec} spec
 * @param {Uint8Array} pixels shape (height_px, width_px, channels)
 */
export function writeColours(words, [left, top, width, height], spec, pixels) {
  const write = { rgb: writeRgb, bgr: writeBgr, grey: writeGrey }[spec.colour_order];
  const channels = spec.mean.length;
  for (let y = 0; y < height; y++) {
    write(words, y * width, width, pixels, ((top + y) * spec.width_px + left) * channels);
  }
}

/**
 * Writes a picture over white into `flat`, as hangtag.photos does with photos that have transparency.
 *
 * @param {Int32Array} words colours not multiplied by alpha
 * @param {Int32Array} flat
 */
export function flattenOnWhite(words, flat) {
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    const alpha = word >>> 24;
    const white = 255 * (255 - alpha) + 127;
    const red = Math.floor(((word & 0xff) * alpha + white) / 255);
    const green = Math.floor((((word >>> 8) & 0xff) * alpha + white) / 255);
    const blue = Math.floor((((word >>> 16) & 0xff) * alpha + white) / 255);
    flat[at] = 0xff000000 | (blue << 16) | (green << 8) | red;
  }
}

/**
 * @param {Int32Array} words
 * @param {number} from
 * @param {number} count
 * @param {Uint8Array} pixels
 * @param {number} to
 */
function writeRgb(words, from, count, pixels, to) {
  for (let at = from; at < from + count; at++, to += 3) {
    pixels[to] = words[at];
    pixels[to + 1] = words[at] >>> 8;
    pixels[to + 2] = words[at] >>> 16;
  }
}

/**
 * @param {Int32Array} words
 * @param {number} from
 * @param {number} count
 * @param {Uint8Array} pixels
 * @param {number} to
 */
function writeBgr(words, from, count, pixels, to) {
  for (let at = from; at < from + count; at++, to += 3) {
    pixels[to] = words[at] >>> 16;
    pixels[to + 1] = words[at] >>> 8;
    pixels[to + 2] = words[at];
  }
}

/**
 * @param {Int32Array} words
 * @param {number} from
 * @param {number} count
 * @param {Uint8Array} pixels
 * @param {number} to
 */
function writeGrey(words, from, count, pixels, to) {
  for (let at = from; at < from + count; at++, to++) {
    const word = words[at];
    const sum = (word & 0xff) * GREY_RED + ((word >>> 8) & 0xff) * GREY_GREEN + ((word >>> 16) & 0xff) * GREY_BLUE;
    pixels[to] = (sum + 0x4000) >>> 15;
  }
}
