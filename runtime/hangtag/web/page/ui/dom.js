// The few things that every part of the page does to its elements.

/** Returns the element with an id; a missing one is a mistake in the page. */
export function at(id) {
  const element = document.getElementById(id);
  if (!element) throw new RangeError(`the page has no element ${id}`);
  return element;
}

/** Returns a new element with a class and content (texts and nodes). */
export function make(tag, cssClass = "", ...content) {
  const element = document.createElement(tag);
  if (cssClass) element.className = cssClass;
  element.append(...content);
  return element;
}

/** Returns text in an element that keeps its writing direction to itself: labels come from elsewhere. */
export function apart(text) {
  return make("bdi", "", text);
}

/** Sets an element's text only where it differs, so that nothing is laid out or read out again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows elements or takes them away. A focus inside of what goes away would be lost: it moves to `heir`. */
export function show(element, visible, heir = null) {
  const held = !visible && element.contains(document.activeElement);
  element.hidden = !visible;
  if (held) heir?.focus();
}

/** Returns the drawing of that name, for the inside of a button. */
export function icon(name) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  drawing.append(use);
  return drawing;
}
