// Reads the pixels of whatever a page has: a video's frame, a picture, a canvas.

/**
 * Decode a picture's file as training did: upright by its EXIF, its bytes taken as they are, whatever its colour profile.
 *
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>}
 */
export function decoded(file) {
  return createImageBitmap(file, {
    imageOrientation: "from-image",
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
}

/** Reads pixels, with one canvas kept for the next. */
export class PixelReader {
  #canvas = null;
  #context = null;

  /**
   * Return the pixels of a source as they are shown: upright, sRGB.
   *
   * @returns {{ data: Uint8ClampedArray, width: number, height: number }} RGBA
   * @throws {TypeError} it is no picture, or has no pixels (yet)
   */
  read(source) {
    if (source instanceof ImageData) return source;
    const [width, height] = size(source);
    if (!(width > 0 && height > 0)) throw new TypeError(`the ${kind(source)} has no pixels (yet)`);
    const context = this.#sized(width, height);
    context.drawImage(source, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }

  #sized(width, height) {
    if (this.#canvas === null || this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas = new OffscreenCanvas(width, height);
      // Read back each time, so it is kept in the CPU's memory.
      this.#context = this.#canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
      // A picture with holes must not show the one before.
      this.#context.globalCompositeOperation = "copy";
    }
    return this.#context;
  }
}

function size(source) {
  const is = (name) => globalThis[name] !== undefined && source instanceof globalThis[name];
  if (is("HTMLVideoElement")) return [source.videoWidth, source.videoHeight];
  if (is("HTMLImageElement")) return [source.naturalWidth, source.naturalHeight];
  if (is("VideoFrame")) return [source.displayWidth, source.displayHeight];
  if (is("ImageBitmap") || is("HTMLCanvasElement") || is("OffscreenCanvas")) return [source.width, source.height];
  throw new TypeError(`${kind(source)} is no picture; wanted an ImageBitmap, a video, an image, a canvas or ImageData`);
}

function kind(source) {
  return source?.constructor?.name ?? String(source);
}
