// The picture: the camera's video or a still, placed so that what the model sees is always in view, and marked.

import { sourceRectangle } from "../pixels/geometry.js";
import { at, show } from "./dom.js";

const LARGEST_STILL_PX = 2048;

/** Shows a video or a still picture and marks the part that the model sees. */
export class Stage {
  #box = at("stage");
  #video = at("video");
  #still = at("still");
  #mark = at("mark");
  #input = null;
  #stillWh = null;

  constructor() {
    new ResizeObserver(() => this.place()).observe(this.#box);
    for (const event of ["loadedmetadata", "resize"]) this.#video.addEventListener(event, () => this.place());
  }

  get video() {
    return this.#video;
  }

  get still() {
    return this.#still;
  }

  /** The contract's input: which part of a picture the model sees. */
  set input(input) {
    this.#input = input;
    this.place();
  }

  set mirrored(mirrored) {
    this.#video.classList.toggle("mirrored", mirrored);
  }

  /** Shows the camera. */
  live() {
    this.#stillWh = null;
    show(this.#still, false);
    show(this.#video, true);
    this.place();
  }

  /** Shows neither. */
  empty() {
    this.#stillWh = null;
    show(this.#still, false);
    show(this.#video, false);
    this.place();
  }

  /** Draws a picture (or the video as it is now) on the still and shows that. */
  hold(source, width, height) {
    const shrink = Math.min(1, LARGEST_STILL_PX / Math.max(width, height));
    this.#still.width = Math.max(1, Math.round(width * shrink));
    this.#still.height = Math.max(1, Math.round(height * shrink));
    const context = this.#still.getContext("2d", { alpha: false });
    context.fillStyle = "#fff"; // under transparent pictures, as the model sees them
    context.fillRect(0, 0, this.#still.width, this.#still.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, this.#still.width, this.#still.height);
    this.#stillWh = [width, height];
    show(this.#video, false);
    show(this.#still, true);
    this.place();
  }

  /** Holds the video's picture of this moment; returns the still. */
  freeze() {
    this.hold(this.#video, this.#video.videoWidth, this.#video.videoHeight);
    return this.#still;
  }

  /** Returns a canvas to measure with: a copy of what is shown, or grey. */
  sample() {
    const shown = !this.#still.hidden ? this.#still : this.#video;
    const canvas = document.createElement("canvas");
    canvas.width = this.#still.hidden ? this.#video.videoWidth || 640 : this.#still.width;
    canvas.height = this.#still.hidden ? this.#video.videoHeight || 480 : this.#still.height;
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    context.fillStyle = "#808080";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(shown, 0, 0); // a video that has no picture yet draws nothing
    return canvas;
  }

  /** Places picture and mark in the box. */
  place() {
    const shown = this.#stillWh ? this.#still : this.#video;
    const [width, height] = this.#stillWh ?? [this.#video.videoWidth, this.#video.videoHeight];
    const boxW = this.#box.clientWidth;
    const boxH = this.#box.clientHeight;
    const known = width > 0 && height > 0 && boxW > 0 && boxH > 0 && !shown.hidden;
    show(this.#mark, known && this.#input !== null);
    if (!known) return;
    const seen = this.#input ? sourceRectangle(width, height, this.#input) : [0, 0, width, height];
    const scale = scaleFor(boxW, boxH, width, height, seen);
    const left = (boxW - width * scale) / 2;
    const top = (boxH - height * scale) / 2;
    put(shown, left, top, width * scale, height * scale);
    put(this.#mark, left + seen[0] * scale, top + seen[1] * scale, seen[2] * scale, seen[3] * scale);
    this.#mark.dataset.seen = seen.join(" ");
  }
}

/**
 * The picture fills the box where it can, but what the model sees is never cut off: a person who cannot see
 * a part of it would aim wrongly.
 */
export function scaleFor(boxW, boxH, width, height, [, , seenW, seenH]) {
  const cover = Math.max(boxW / width, boxH / height);
  const whole = Math.min(boxW / seenW, boxH / seenH);
  return Math.min(cover, whole);
}

function put(element, left, top, width, height) {
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
}
