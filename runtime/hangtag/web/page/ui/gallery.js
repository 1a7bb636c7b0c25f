// Photos from the gallery: decoded by the browser (its EXIF rotation included), classified one after another.

import { decoded } from "../classifier.js";
import { apart, at, make, show } from "./dom.js";
import { labelName } from "./labels.js";
import { say } from "./language.js";

const THUMBNAIL_PX = 144;

/**
 * A row of picked photos. `classify(bitmap)` gives a prediction; `onShow(bitmap, photo)` puts one on the stage;
 * `onUnreadable(name)` hears of files that are no pictures.
 */
export class Gallery {
  #row = at("photos-row");
  #photos = [];
  #shown = null;
  #round = 0;
  #classify;
  #onShow;
  #onUnreadable;

  constructor({ classify, onShow, onUnreadable }) {
    this.#classify = classify;
    this.#onShow = onShow;
    this.#onUnreadable = onUnreadable;
  }

  /** Takes files in place of those before, and shows the first that can be read. */
  async take(files) {
    const round = (this.#round += 1);
    this.#photos = files.map((file) => ({ file, prediction: null, failed: false, button: null }));
    this.#shown = null;
    this.#row.replaceChildren(...this.#photos.map((photo) => this.#item(photo)));
    show(this.#row, this.#photos.length > 1);
    for (const photo of this.#photos) {
      await this.#read(photo, round);
      if (round !== this.#round) return;
    }
  }

  /** Lets go of all photos. */
  clear() {
    this.#round += 1;
    this.#photos = [];
    this.#row.replaceChildren();
    show(this.#row, false);
  }

  #item(photo) {
    photo.button = make("button", "thumbnail");
    photo.button.type = "button";
    photo.button.disabled = true;
    photo.button.addEventListener("click", () => this.#open(photo));
    return make("li", "", photo.button);
  }

  async #read(photo, round) {
    let bitmap;
    try {
      bitmap = await decoded(photo.file);
    } catch {
      photo.failed = true;
      this.#onUnreadable(photo.file.name);
      this.#name();
      return;
    }
    try {
      photo.prediction = await this.#classify(bitmap);
      if (round !== this.#round) return;
      photo.button.disabled = false;
      photo.button.prepend(thumbnail(bitmap));
      if (this.#shown === null) this.#put(photo, bitmap);
      this.#name();
    } finally {
      bitmap.close();
    }
  }

  // Whole photos take tens of megabytes each: only the thumbnails are kept, and the file is read again.
  async #open(photo) {
    const round = this.#round;
    let bitmap;
    try {
      bitmap = await decoded(photo.file);
    } catch {
      this.#onUnreadable(photo.file.name); // it was moved or deleted meanwhile
      return;
    }
    if (round === this.#round) this.#put(photo, bitmap);
    bitmap.close();
  }

  #put(photo, bitmap) {
    this.#shown = photo;
    for (const other of this.#photos) other.button.setAttribute("aria-pressed", String(other === photo));
    this.#onShow(bitmap, photo);
  }

  #name() {
    this.#photos.forEach((photo, place) => {
      const { prediction, failed, button } = photo;
      if (!prediction && !failed) return;
      const best = failed ? say("photo-failed") : prediction.unknown ? say("not-sure") : labelName(prediction.label);
      button.querySelector("bdi")?.remove();
      button.append(apart(best));
      const name = { number: place + 1, count: this.#photos.length, label: best };
      button.setAttribute("aria-label", say("photo-number", name));
    });
  }

  /** Writes the labels again: their language has changed. */
  redraw() {
    this.#name();
  }
}

function thumbnail(bitmap) {
  const canvas = make("canvas");
  const side = Math.min(bitmap.width, bitmap.height);
  canvas.width = canvas.height = THUMBNAIL_PX;
  const from = [(bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side];
  canvas.getContext("2d").drawImage(bitmap, ...from, 0, 0, THUMBNAIL_PX, THUMBNAIL_PX);
  return canvas;
}
