// What the network says, drawn: the ten probabilities, and pictures of numbers in a palette of the theme's colours.

import { MAPS, SIDE } from './net.mjs';

const GAP = 1; // pixels between maps
const MIDDLE = 0.35; // the place of the palette's second colour, as in the legend

const percent = (p) => `${(100 * p).toFixed(p < 0.9995 && p >= 0.0005 ? 1 : 0)} %`;

// A table whose rows are a digit, a bar and a percentage.
export class Bars {
  constructor(body) {
    this.rows = Array.from({ length: 10 }, (_, digit) => {
      const row = body.insertRow();
      const head = document.createElement('th');
      head.scope = 'row';
      head.textContent = digit;
      row.append(head);
      const cell = row.insertCell();
      cell.className = 'track';
      const bar = document.createElement('div');
      bar.className = 'bar';
      cell.append(bar);
      return { row, bar, number: row.insertCell() };
    });
  }

  show(best, probabilities) {
    this.rows.forEach(({ row, bar, number }, digit) => {
      const text = best === null ? '–' : percent(probabilities[digit]);
      bar.style.transform = `scaleX(${best === null ? 0 : probabilities[digit].toFixed(4)})`;
      if (number.textContent !== text) number.textContent = text;
      row.classList.toggle('best', digit === best);
    });
  }
}

// 256 colours from "no response" to "strongest", as the elements of an ImageData; in between straight lines.
export function palette(style) {
  const stops = ['--map-0', '--map-1', '--map-2'].map((name) => {
    const value = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16));
  });
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const place = i / 255;
    const [from, to, part] = place < MIDDLE ? [0, 1, place / MIDDLE] : [1, 2, (place - MIDDLE) / (1 - MIDDLE)];
    const [r, g, b] = stops[from].map((low, c) => Math.round(low + (stops[to][c] - low) * part));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

// Pictures of `count` maps of `side` × `side` numbers in a grid.
class Grid {
  constructor(canvas, count, side, columns) {
    Object.assign(this, { canvas, count, side, columns });
    const rows = Math.ceil(count / columns);
    canvas.width = columns * (side + GAP) - GAP;
    canvas.height = rows * (side + GAP) - GAP;
    this.context = canvas.getContext('2d');
    this.image = this.context.createImageData(canvas.width, canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  // `most` is the number that has the last colour.
  draw(values, most, colours) {
    const { side, columns, pixels } = this;
    const width = this.canvas.width;
    const factor = most > 0 ? 255 / most : 0;
    for (let map = 0, i = 0; map < this.count; map++) {
      const corner = Math.floor(map / columns) * (side + GAP) * width + (map % columns) * (side + GAP);
      for (let y = 0; y < side; y++) {
        for (let x = 0, at = corner + y * width; x < side; x++) pixels[at + x] = colours[(values[i++] * factor) | 0];
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

// The digit as the network reads it, and the maps of both layers.
export class Maps {
  constructor(input, canvases) {
    this.input = new Grid(input, 1, SIDE, 1);
    // `most` is the strongest response so far, so that colours do not jump while a digit grows.
    this.layers = canvases.map((canvas) => ({ canvas, grid: null, most: 0 }));
    this.recolour();
  }

  // Sets how many maps of each layer are in a row.
  arrange(columns) {
    this.layers.forEach((layer, i) => {
      layer.grid = new Grid(layer.canvas, MAPS[i].count, MAPS[i].side, columns[i]);
    });
  }

  recolour() {
    this.colours = palette(getComputedStyle(document.documentElement));
  }

  // A new drawing begins with a scale of its own.
  forget() {
    for (const layer of this.layers) layer.most = 0;
  }

  show(digit, maps) {
    this.input.draw(digit, 255, this.colours);
    maps.forEach((values, i) => {
      const layer = this.layers[i];
      for (let k = 0; k < values.length; k++) if (values[k] > layer.most) layer.most = values[k];
      layer.grid.draw(values, layer.most, this.colours);
    });
  }

  // In words: which map of each layer responds the most.
  describe(maps) {
    return maps.map((values, i) => {
      const size = values.length / MAPS[i].count;
      const sums = Array.from({ length: MAPS[i].count }, (_, m) =>
        values.subarray(m * size, (m + 1) * size).reduce((a, b) => a + b, 0));
      return sums.indexOf(Math.max(...sums)) + 1;
    });
  }
}

// A picture of one digit, for the list of corrections.
export function thumbnail(digit, colours) {
  const canvas = document.createElement('canvas');
  new Grid(canvas, 1, SIDE, 1).draw(digit, 255, colours);
  return canvas;
}

export { percent };
