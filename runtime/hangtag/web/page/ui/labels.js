// Labels as a person reads them: in the language asked for, where the model's contract has translations.

import { pageLanguage } from "./language.js";
import { recall, remember } from "./memory.js";

/** "page": as the page's language; "model": as the model says them; else a locale of the contract. */
let choice = recall("labels") ?? "page";
let contract = null;
let places = new Map();

/** Takes the labels of a model. */
export function setLabels(of) {
  contract = of;
  places = new Map(of.labels.map((label, place) => [label, place]));
}

/** What was chosen; a locale that this model does not have counts as "page". */
export function labelChoice() {
  if (choice === "model" || locales().includes(choice)) return choice;
  return "page";
}

export function setLabelChoice(chosen) {
  choice = chosen;
  remember("labels", chosen);
}

/** The languages that the model's labels were translated to. */
export function locales() {
  return Object.keys(contract?.translations ?? {});
}

/** The locale whose labels are shown; null for the model's own. */
export function labelLocale() {
  const chosen = labelChoice();
  if (chosen === "model") return null;
  if (chosen !== "page") return chosen;
  const wanted = pageLanguage();
  const all = locales();
  return all.find((locale) => locale === wanted) ?? all.find((locale) => locale.split("-")[0] === wanted) ?? null;
}

/** A label as it is shown. */
export function labelName(label) {
  const locale = labelLocale();
  return locale === null ? label : (contract.translations[locale][places.get(label)] ?? label);
}
