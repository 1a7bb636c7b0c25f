// What the tests of the layout ask of a screen; each gives a list of faults.

({
  measure: (smallest) => {
    const faults = [];
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) faults.push(`${wide} px too wide`);
    for (const one of document.querySelectorAll("button, select, input[type=radio]")) {
      if (!one.checkVisibility()) continue;
      const {width, height, left, right, top, bottom} = one.getBoundingClientRect();
      const name = one.id || one.textContent;
      if (one.closest("dialog") === null && !one.closest(".sheet, #photos-row") &&
          (left < 0 || top < 0 || right > innerWidth + .5 || bottom > innerHeight + .5)) faults.push(`${name} is cut off`);
      if (one.matches("button") && Math.min(width, height) < smallest) faults.push(`${name} is ${width} x ${height}`);
    }
    return faults;
  },

  contrast: () => {
    const channel = (value) => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => .2126 * channel(r / 255) + .7152 * channel(g / 255) + .0722 * channel(b / 255);
    const parse = (text) => text.match(/[\d.]+/g).map(Number);
    const ground = (element) => {
      for (let one = element; one; one = one.parentElement) {
        const colour = parse(getComputedStyle(one).backgroundColor);
        if (colour.length < 4 || colour[3] > .7) return colour;
      }
      return [255, 255, 255];
    };
    const faults = [];
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
      if (!own || !element.checkVisibility() || element.closest(":disabled, [aria-disabled=true], svg, .nothing, .heard, option")) continue;
      if (element.closest("#stage") && !element.closest(".sheet, #stale, #chip")) continue;
      const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
      const ratio = (a + .05) / (b + .05);
      if (ratio < 4.5) faults.push(`${element.id || element.className || element.tagName}: ${ratio.toFixed(2)}`);
    }
    return faults;
  },
})
