// What stands: one large label, how sure, the best three. And what a screen reader says of it.

import { apart, at, make, write } from "./dom.js";
import { labelName } from "./labels.js";
import { percent, say } from "./language.js";

/** A label has to stand for so long before it is read out: a camera that sweeps along would chatter. */
const SETTLED_MS = 700;
const LONG = 13;

export class ResultView {
  #prediction = null;
  #words = null;
  #rows = [];
  #said = null;
  #timer = null;

  /** What is shown now: a prediction, or null. */
  get prediction() {
    return this.#prediction;
  }

  /** Shows a prediction `{label, score, unknown, top}`. A still's is read out at once. */
  show(prediction, { still = false } = {}) {
    this.#prediction = prediction;
    this.#words = null;
    this.redraw();
    this.#announce(still);
  }

  /** Shows a quiet sentence in place of a label; what was shown no longer holds. */
  clear(key, values = {}) {
    this.#prediction = null;
    this.#words = [key, values];
    clearTimeout(this.#timer);
    this.#said = null;
    this.redraw();
  }

  /** Shows the same once more: the language has changed. */
  redraw() {
    const view = at("result");
    view.dataset.state = this.#prediction ? (this.#prediction.unknown ? "unknown" : "sure") : "quiet";
    if (this.#prediction) this.#draw(this.#prediction);
    else this.#quiet();
  }

  #quiet() {
    label(this.#words ? say(...this.#words) : "");
    write(at("verdict"), "");
    this.#list([]);
  }

  #draw({ label: best, score, unknown, top }) {
    label(unknown ? say("not-sure") : labelName(best));
    const perhaps = unknown ? say("perhaps", { label: labelName(best), score: percent(score) }) : percent(score);
    write(at("verdict"), perhaps);
    this.#list(top);
  }

  #list(top) {
    while (this.#rows.length < top.length) this.#rows.push(new Row(at("top")));
    this.#rows.forEach((row, place) => row.show(top[place] ?? null));
  }

  /** The standing label as words, with its score. */
  sentence() {
    const { label: best, score, unknown } = this.#prediction;
    return unknown ? say("not-sure") : say("label-score", { label: labelName(best), score: percent(score) });
  }

  #announce(still) {
    const standing = this.#prediction.unknown ? null : this.#prediction.label;
    const heard = `${still}:${standing}`;
    if (heard === this.#said) return;
    this.#said = heard;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => announce(this.sentence()), still ? 0 : SETTLED_MS);
  }
}

/** Has a screen reader say a sentence once it is free. */
export function announce(sentence) {
  const voice = at("announcer");
  voice.textContent = "";
  // A text that is put in place of the same text would not be said again.
  requestAnimationFrame(() => write(voice, sentence));
}

function label(text) {
  const place = at("label");
  if (place.textContent === text) return;
  place.replaceChildren(apart(text));
  place.classList.toggle("long", text.length > LONG);
}

class Row {
  #item;
  #name = make("bdi", "name");
  #fill = make("span", "fill");
  #share = make("span", "share");

  constructor(list) {
    const bar = make("span", "bar", this.#fill);
    bar.setAttribute("aria-hidden", "true");
    this.#item = make("li", "", this.#name, bar, this.#share);
    list.append(this.#item);
  }

  show(entry) {
    // It keeps its room while there is nothing to show: the picture above would jump.
    this.#item.classList.toggle("nothing", entry === null);
    if (entry === null) {
      write(this.#name, "");
      write(this.#share, "");
      this.#fill.style.transform = "scaleX(0)";
      return;
    }
    const [name, score] = entry;
    write(this.#name, labelName(name));
    write(this.#share, percent(score));
    this.#fill.style.transform = `scaleX(${Math.min(1, Math.max(0, score))})`;
  }
}
