// What the page is doing, and what can be pressed meanwhile.

import { at, show, write } from "./dom.js";
import { say } from "./language.js";

/** Where the focus goes when what held it goes away. */
const HEIRS = { start: "start", live: "freeze", frozen: "back", photos: "back", problem: "problem" };

export class Modes {
  #can;
  /** "start", "live", "frozen", "photos" or "problem"; null before the first. */
  now = null;

  /** `can()` gives what is possible: `{flip, share, keep}` as truths, `torch` as on, off or null. */
  constructor(can) {
    this.#can = can;
  }

  enter(next) {
    const held = document.activeElement;
    const orphaned = held !== null && held !== document.body && !staysIn(held, next);
    this.now = next;
    document.body.dataset.mode = next;
    show(at("welcome"), next === "start");
    show(at("problem"), next === "problem");
    this.draw();
    if (orphaned) at(HEIRS[next]).focus();
  }

  /** Shows what can be pressed. */
  draw() {
    const can = this.#can();
    for (const button of document.querySelectorAll("[data-modes]")) {
      show(button, button.dataset.modes.split(" ").includes(this.now));
    }
    show(at("controls"), this.now !== "start" && this.now !== "problem");
    if (!can.flip) show(at("flip"), false, at("freeze"));
    if (!can.share) show(at("share"), false);
    show(at("torch"), this.now === "live" && can.torch !== null, at("freeze"));
    at("torch").setAttribute("aria-pressed", String(can.torch === true));
    at("save").disabled = at("share").disabled = !can.keep;
    write(at("back-text"), say(this.now === "photos" ? "camera" : "continue"));
  }
}

/** True where an element can still be seen in a mode. */
function staysIn(element, mode) {
  const modes = element.closest("[data-modes]")?.dataset.modes;
  if (modes) return modes.split(" ").includes(mode);
  if (element.closest("#welcome")) return mode === "start";
  if (element.closest("#problem")) return mode === "problem";
  return !element.closest("#torch") || mode === "live";
}
