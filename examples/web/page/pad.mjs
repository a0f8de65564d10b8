// The drawing area: mouse, pen and finger through pointer events, and the keyboard. Lengths are in units of the pad,
// which is UNITS wide and high whatever its size on the screen.

const UNITS = 280;
const RADIUS = 10; // half the width of a line at medium pressure
const STEP = UNITS / 28; // of an arrow key
const SMALL_STEP = UNITS / 112; // with Shift

// A pen that presses harder draws wider. A mouse always says 0.5, and so does a finger that is not measured, or 0.
function radiusOf(pressure) {
  return RADIUS * (0.6 + 0.8 * (pressure || 0.5));
}

export class Pad {
  // `changed` is called when there is something to draw, `said` with what a screen reader is to say, `shortcut` with
  // digits that are typed.
  constructor(canvas, cursor, { changed, said, shortcut }) {
    this.canvas = canvas;
    this.cursor = cursor;
    this.changed = changed;
    this.said = said;
    this.strokes = []; // each a list of { x, y, radius }
    this.#listen(shortcut);
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  #active = new Map(); // strokes that are being drawn, by pointer
  #fresh = []; // lines that are not on the canvas yet
  #whole = true; // the canvas is to be drawn anew
  #context = null;
  #place = { x: UNITS / 2, y: UNITS / 2 }; // of the keyboard's pen
  #penDown = false;
  #timer = 0;

  get empty() {
    return this.strokes.length === 0;
  }

  clear() {
    this.strokes = [];
    this.#active.clear();
    this.#liftPen();
    this.redraw();
  }

  undo() {
    this.#liftPen();
    this.#active.clear();
    this.strokes.pop();
    this.redraw();
  }

  redraw() {
    this.#whole = true;
    this.changed();
  }

  // Draws what is new. `line` is told of each line, in units of the pad, after `clear` where all are drawn anew.
  paint(line, clear) {
    const c = this.#context;
    const scale = this.canvas.width / UNITS;
    let lines = this.#fresh;
    this.#fresh = [];
    if (this.#whole) {
      c.clearRect(0, 0, this.canvas.width, this.canvas.height);
      c.strokeStyle = getComputedStyle(this.canvas).color;
      c.lineCap = 'round';
      clear();
      lines = this.strokes.flatMap((stroke) => stroke.map((to, i) => [stroke[Math.max(i - 1, 0)], to]));
      this.#whole = false;
    }
    for (const [from, to] of lines) {
      c.lineWidth = 2 * to.radius * scale;
      c.beginPath();
      c.moveTo(from.x * scale, from.y * scale);
      c.lineTo(to.x * scale, to.y * scale);
      c.stroke();
      line(from.x, from.y, to.x, to.y, to.radius);
    }
  }

  #resize() {
    const size = Math.max(1, Math.round(this.canvas.clientWidth * devicePixelRatio));
    if (this.#context === null || this.canvas.width !== size) {
      this.canvas.width = size;
      this.canvas.height = size;
      this.#context ??= this.canvas.getContext('2d');
      this.redraw();
    }
  }

  #add(stroke, point) {
    this.#fresh.push([stroke.at(-1) ?? point, point]);
    stroke.push(point);
    this.changed();
  }

  #pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * UNITS,
      y: ((event.clientY - box.top) / box.height) * UNITS,
      radius: radiusOf(event.pressure),
    };
  }

  #listen(shortcut) {
    const canvas = this.canvas;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#liftPen();
      const stroke = [];
      this.strokes.push(stroke);
      this.#active.set(event.pointerId, stroke);
      this.#add(stroke, this.#pointOf(event));
    });
    canvas.addEventListener('pointermove', (event) => {
      const stroke = this.#active.get(event.pointerId);
      if (!stroke) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) this.#add(stroke, this.#pointOf(one));
    });
    for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) {
      canvas.addEventListener(name, (event) => this.#active.delete(event.pointerId));
    }
    canvas.addEventListener('keydown', (event) => {
      if (event.altKey || event.metaKey) return;
      if (this.#key(event) || (/^[0-9]$/.test(event.key) && !event.ctrlKey && shortcut(Number(event.key)))) {
        event.preventDefault();
      }
    });
    canvas.addEventListener('focus', () => this.#showCursor());
    canvas.addEventListener('blur', () => this.#liftPen());
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (event.ctrlKey) {
      if (event.key !== 'z') return false;
      this.undo();
      return true;
    }
    if (move) {
      const step = event.shiftKey ? SMALL_STEP : STEP;
      this.#movePen(move[0] * step, move[1] * step);
    } else if (event.key === ' ') {
      this.#togglePen();
    } else if (event.key === 'Backspace') {
      this.undo();
      this.said('Last line taken back.');
    } else if (event.key === 'Delete') {
      this.clear();
      this.said('Cleared.');
    } else {
      return false;
    }
    return true;
  }

  #movePen(dx, dy) {
    const within = (value) => Math.min(UNITS, Math.max(0, value));
    this.#place = { x: within(this.#place.x + dx), y: within(this.#place.y + dy) };
    if (this.#penDown) this.#add(this.strokes.at(-1), { ...this.#place, radius: RADIUS });
    this.#showCursor();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.said(this.#where()), 700);
  }

  #togglePen() {
    this.#penDown = !this.#penDown;
    if (this.#penDown) {
      this.strokes.push([]);
      this.#add(this.strokes.at(-1), { ...this.#place, radius: RADIUS });
    }
    this.#showCursor();
    this.said(this.#where());
  }

  #liftPen() {
    this.#penDown = false;
    clearTimeout(this.#timer);
    this.#showCursor();
  }

  #where() {
    const percent = (value) => Math.round((100 * value) / UNITS);
    const pen = this.#penDown ? 'Pen down' : 'Pen up';
    return `${pen}, ${percent(this.#place.x)} % from the left, ${percent(this.#place.y)} % from the top.`;
  }

  #showCursor() {
    this.cursor.style.left = `${(100 * this.#place.x) / UNITS}%`;
    this.cursor.style.top = `${(100 * this.#place.y) / UNITS}%`;
    this.cursor.classList.toggle('down', this.#penDown);
  }
}

export const PAD_UNITS = UNITS;
