// Lines at the top of the page: what differs, what is new, what did not work. They stay until dismissed.

import { at, icon, make } from "./dom.js";
import { onLanguage, say } from "./language.js";

const notices = new Map();

/**
 * Shows a line. One of the same `name` takes the place of the one before.
 *
 * `text()` gives it in the page's language; `action` is `{key, run}`; `kind` is "bad" or "news". A line that
 * `passes` goes away by itself.
 */
export function notice(name, { text, action = null, kind = "news", passes = false }) {
  withdraw(name);
  const words = make("p");
  const line = make("div", `notice ${kind}`, words);
  line.setAttribute("role", kind === "bad" ? "alert" : "status");
  const button = action ? line.appendChild(make("button", "plain")) : null;
  if (button) {
    button.type = "button";
    button.addEventListener("click", action.run);
  }
  const close = line.appendChild(make("button", "round small", icon("close")));
  close.type = "button";
  close.addEventListener("click", () => withdraw(name));
  const write = () => {
    words.textContent = text();
    if (button) button.textContent = say(action.key);
    close.setAttribute("aria-label", say("dismiss"));
  };
  const timer = passes ? setTimeout(() => withdraw(name), 6000) : null;
  notices.set(name, { line, write, timer });
  at("notices").append(line);
  write();
}

/** Takes a line away. */
export function withdraw(name) {
  const before = notices.get(name);
  if (!before) return;
  clearTimeout(before.timer);
  before.line.remove();
  notices.delete(name);
}

onLanguage(() => {
  for (const { write } of notices.values()) write();
});
