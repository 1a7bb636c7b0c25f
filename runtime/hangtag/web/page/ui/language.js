// The language of the page: the browser's, or the one that was chosen; texts, numbers and times in it.

import { recall, remember } from "./memory.js";
import { TEXTS } from "./text.js";

const FIRST = "en";
const listeners = new Set();
let language = chosenAtFirst();

function chosenAtFirst() {
  const wishes = [recall("language"), ...(navigator.languages ?? [navigator.language])];
  for (const wish of wishes) {
    const code = String(wish ?? "").toLowerCase().split("-")[0];
    if (Object.hasOwn(TEXTS, code)) return code;
  }
  return FIRST;
}

/** The page's language: a code such as "es". */
export function pageLanguage() {
  return language;
}

/** All languages of the page: `[code, own name]`. */
export function pageLanguages() {
  return Object.entries(TEXTS).map(([code, texts]) => [code, texts["language"]]);
}

/** Changes the page's language, remembers it and tells whoever listens. */
export function setPageLanguage(code) {
  if (!Object.hasOwn(TEXTS, code) || code === language) return;
  language = code;
  remember("language", code);
  fill(document);
  for (const listener of listeners) listener();
}

/** Calls `listener` whenever the language of the page has changed. */
export function onLanguage(listener) {
  listeners.add(listener);
}

/** Returns the text of a key, with what stands in braces filled in. */
export function say(key, values = {}) {
  const text = TEXTS[language][key];
  if (text === undefined) throw new RangeError(`no text has the key ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Puts the static texts of a part of the page in place: `data-text` as content, `data-name` as name. */
export function fill(root) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of root.querySelectorAll("[data-name]")) {
    element.setAttribute("aria-label", say(element.dataset.name));
    if (element.matches("button")) element.title = say(element.dataset.name);
  }
}

/** Returns nodes for a text in which what stands between backquotes is typed. */
export function withCode(text) {
  return text.split("`").map((part, place) => {
    if (place % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

/** A share from 0 to 1 as per cent with at most `digits` decimals, as the language writes it. */
export function percent(share, digits = 0) {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits }).format(share);
}

/** A number with at most `digits` decimals, as the language writes it. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** Milliseconds: a decimal below ten, none above. */
export function milliseconds(value) {
  return `${number(value, value < 10 ? 1 : 0)}\u00a0ms`;
}

/** A moment, to the second, as the language writes it. */
export function moment(date) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(date);
}

/** The name of a language, in the page's language. */
export function languageName(locale) {
  try {
    return new Intl.DisplayNames([language], { type: "language" }).of(locale);
  } catch {
    return locale;
  }
}
