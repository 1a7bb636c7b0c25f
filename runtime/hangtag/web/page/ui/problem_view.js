// A problem as a person reads it, over the whole stage: what it is, what to do, what the machine said.

import { at, make, show, write } from "./dom.js";
import { say, withCode } from "./language.js";

/** Writes what `problemOf` returns. */
export function drawProblem({ title, advice, steps, values, detail, again }) {
  write(at("problem-title"), say(title));
  write(at("problem-advice"), say(advice, values));
  at("problem-steps").replaceChildren(...steps.map((step) => make("li", "", ...withCode(say(step, values)))));
  show(at("problem-details"), detail !== "");
  write(at("problem-detail"), detail);
  show(at("again"), again !== null);
  write(at("again"), say(again === "page" ? "reload" : "try-again"));
  // Without model or engine there is nothing to name photos with.
  for (const button of at("problem").querySelectorAll(".pick")) show(button, again !== "page");
}
