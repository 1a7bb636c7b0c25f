/**
 * Returns the nearest whole number and, of two that are as near, the even one, as NumPy and OpenCV round.
 *
 * @param {number} value
 */
export function roundHalfToEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}
