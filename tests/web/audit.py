"""What a page can be asked about itself, in JavaScript: contrast of texts, sizes of targets, what is cut off."""

# Contrast is that of WCAG 2.2: relative luminances of the text's colour and of what is behind it. Returns the faults
# and the least contrast of a text that can be read.
AUDIT = r"""
() => {
  const faults = [];
  let contrast = 99;
  const parse = (text) => {
    const numbers = text.match(/[\d.]+/g).map(Number);
    return { rgb: numbers.slice(0, 3), alpha: numbers[3] ?? 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const { rgb, alpha } = parse(getComputedStyle(e).backgroundColor);
      if (alpha === 1) return rgb;
      if (alpha > 0) throw new Error('a background that is half transparent');
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const visible = (e) => e.checkVisibility() && !e.closest('.hidden') && e.getBoundingClientRect().width > 0;
  const name = (e) => `${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''} "${e.textContent.trim().slice(0, 20)}"`;

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !visible(e) || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(e.tagName)) continue;
    texts++;
    const style = getComputedStyle(e);
    const value = ratio(parse(style.color).rgb, behind(e));
    contrast = Math.min(contrast, value);
    if (value < 4.5) faults.push(`${name(e)} has a contrast of ${value.toFixed(2)}`);
    if (parseFloat(style.fontSize) < 12) faults.push(`${name(e)} is ${style.fontSize} high`);
    const box = e.getBoundingClientRect();
    if (box.left < -0.5 || box.right > innerWidth + 0.5) faults.push(`${name(e)} is cut off`);
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && style.overflowX !== 'visible') {
      faults.push(`the text of ${name(e)} is cut off`);
    }
  }
  if (texts < 40) faults.push(`only ${texts} texts were looked at`);
  for (const e of document.querySelectorAll('button, summary, #pad')) {
    const box = e.getBoundingClientRect();
    if (!visible(e)) continue;
    if (box.width < 24 || box.height < 24) faults.push(`${name(e)} is ${box.width} × ${box.height} pixels`);
    e.focus({ focusVisible: true });
    const style = getComputedStyle(e);
    if (!e.disabled && (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2)) {
      faults.push(`${name(e)} does not show that it has the focus`);
    }
    if (ratio(parse(style.borderTopColor).rgb, behind(e.parentElement)) < 3 && !e.disabled && e.tagName !== 'SUMMARY') {
      faults.push(`the border of ${name(e)} has too little contrast`);
    }
  }
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push('two elements have one id');
  for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]')) {
    const ids = `${e.getAttribute('aria-labelledby') ?? ''} ${e.getAttribute('aria-describedby') ?? ''}`;
    for (const id of ids.trim().split(/\s+/)) {
      if (!document.getElementById(id)) faults.push(`${name(e)} refers to ${id}, which is not there`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page scrolls sideways');
  if (!document.documentElement.lang || !document.title) faults.push('the page has no language or no title');
  document.activeElement?.blur();
  return { faults, contrast };
}
"""
