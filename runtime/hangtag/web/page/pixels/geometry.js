/** Which part of a frame the model sees, and where in the input it lands: whole pixels, as in training. */

/** @typedef {import("../model/contract_json.js").InputSpec} InputSpec */

/** @typedef {[x: number, y: number, width: number, height: number]} Rectangle in pixels */

/**
 * Returns the part of a frame that the model sees.
 *
 * For centre-crop the largest rectangle of the input's aspect, centred (an odd remainder leaves the extra pixel
 * on the right or at the bottom), never smaller than one pixel; else the whole frame.
 *
 * @param {number} width
 * @param {number} height
 * @param {InputSpec} spec
 * @returns {Rectangle}
 */
export function sourceRectangle(width, height, spec) {
  if (spec.geometry !== "centre-crop") return [0, 0, width, height];
  const isWide = width * spec.height_px > height * spec.width_px;
  const cropWidth = isWide ? Math.max(1, quotient(height * spec.width_px, spec.height_px)) : width;
  const cropHeight = isWide ? height : Math.max(1, quotient(width * spec.height_px, spec.width_px));
  return [quotient(width - cropWidth, 2), quotient(height - cropHeight, 2), cropWidth, cropHeight];
}

/**
 * Returns where in the input a frame lands: all of it, or between the bars of a letterbox.
 *
 * @param {number} width
 * @param {number} height
 * @param {InputSpec} spec
 * @returns {Rectangle}
 */
export function targetRectangle(width, height, spec) {
  if (spec.geometry !== "letterbox") return [0, 0, spec.width_px, spec.height_px];
  let [innerWidth, innerHeight] = [spec.width_px, spec.height_px];
  if (width * spec.height_px > height * spec.width_px) {
    innerHeight = Math.max(1, quotient(2 * height * spec.width_px + width, 2 * width));
  } else {
    innerWidth = Math.max(1, quotient(2 * width * spec.height_px + height, 2 * height));
  }
  return [quotient(spec.width_px - innerWidth, 2), quotient(spec.height_px - innerHeight, 2), innerWidth, innerHeight];
}

/**
 * Returns the whole part of a quotient of whole numbers; exact, as long as they are below 2^53.
 *
 * @param {number} dividend
 * @param {number} divisor
 */
function quotient(dividend, divisor) {
  return (dividend - (dividend % divisor)) / divisor;
}
