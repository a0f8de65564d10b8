// The page: draw, and see what the network makes of it; correct it, and train it.

import { bytesOf } from './bytes.mjs';
import { DIGIT_BYTES, MOST_CORRECTIONS, Net, hasSimd } from './net.mjs';
import { PAD_UNITS, Pad } from './pad.mjs';
import { Bars, Maps, percent, thumbnail } from './views.mjs';

const STORE = 'libcnn corrections';
const $ = (id) => document.getElementById(id);
const storedBytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const corrections = []; // { digit: Uint8Array, label, said }, where `said` is what the network had said
let net, pad, bars, maps, best, answer;
let waiting = false; // a frame has been asked for
let training = false;
let sayTimer = 0;

// ---- what screen readers say ----

function say(text) {
  $('spoken').textContent = text;
}

function guessInWords() {
  return best === null ? 'Nothing is drawn.' : `Best guess: ${best}, ${percent(answer.probabilities[best])}.`;
}

// The guess changes with every stroke; it is said once the hand rests.
function sayGuessSoon() {
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => {
    const [first, second] = maps.describe(answer.maps);
    say(guessInWords());
    $('maps-1').setAttribute('aria-label', `8 maps of the first convolution; number ${first} responds the most`);
    $('maps-2').setAttribute('aria-label', `16 maps of the second convolution; number ${second} responds the most`);
  }, 500);
}

// ---- a frame ----

function frame() {
  waiting = false;
  const start = performance.now();
  const scale = net.sheetSide / PAD_UNITS;
  pad.paint(
    (ax, ay, bx, by, radius) => net.line(ax * scale, ay * scale, bx * scale, by * scale, radius * scale),
    () => {
      net.clear();
      maps.forget();
    },
  );
  showAnswer();
  performance.measure('frame', { start });
  performance.clearMeasures('frame');
  $('frame-time').textContent = `${(performance.now() - start).toFixed(1)} ms`;
}

function showAnswer() {
  answer = net.answer();
  best = answer.best;
  bars.show(best, answer.probabilities);
  maps.show(answer.digit, answer.maps);
  $('guess').textContent = best === null ? '–' : best;
  $('sure').textContent = best === null ? 'Nothing is drawn yet.' : `with ${percent(answer.probabilities[best])}`;
  for (const button of $('labels').children) button.disabled = best === null || training;
  $('undo').disabled = $('clear').disabled = pad.empty;
  sayGuessSoon();
}

function askForFrame() {
  if (waiting || !pad || !net) return;
  waiting = true;
  requestAnimationFrame(frame);
}

// ---- corrections ----

const toText = (digit) => btoa(String.fromCharCode(...digit));

// A browser may forbid a page to keep anything; then the list ends with the page.
function keep() {
  try {
    const list = corrections.map(({ digit, label, said }) => ({ digit: toText(digit), label, said }));
    localStorage.setItem(STORE, JSON.stringify(list));
  } catch {}
}

function restore() {
  const isDigit = (value) => Number.isInteger(value) && value >= 0 && value <= 9;
  try {
    for (const entry of JSON.parse(localStorage.getItem(STORE) ?? '[]').slice(0, MOST_CORRECTIONS)) {
      const digit = storedBytes(entry.digit);
      if (digit.length === DIGIT_BYTES && isDigit(entry.label) && isDigit(entry.said)) {
        corrections.push({ digit, label: entry.label, said: entry.said });
      }
    }
  } catch {}
}

function showCorrections() {
  $('corrections').replaceChildren(...corrections.map((correction, i) => {
    const { digit, label, said } = correction;
    const item = document.createElement('li');
    const picture = thumbnail(digit, maps.colours);
    picture.setAttribute('role', 'img');
    picture.setAttribute('aria-label', `Drawing ${i + 1}`);
    const text = document.createElement('span');
    text.textContent = said === label ? `a ${label}, as the network said` : `a ${label}; the network said ${said}`;
    const remove = document.createElement('button');
    remove.type = 'button';
    remove.textContent = 'Remove';
    remove.setAttribute('aria-label', `Remove drawing ${i + 1}, a ${label}`);
    remove.addEventListener('click', () => removeCorrection(i));
    item.append(picture, text, remove);
    return item;
  }));
  $('no-corrections').hidden = corrections.length > 0;
  showButtons();
}

function showButtons() {
  $('train').disabled = training || corrections.length === 0;
  $('reset').disabled = training;
  for (const button of $('corrections').querySelectorAll('button')) button.disabled = training;
  for (const button of $('labels').children) button.disabled = training || best === null;
}

function removeCorrection(i) {
  corrections.splice(i, 1);
  keep();
  showCorrections();
  say(`Removed. ${corrections.length} in the list.`);
  ($('corrections').querySelectorAll('button')[Math.min(i, corrections.length - 1)] ?? $('pad')).focus();
}

// Returns whether the drawing went on the list.
function correct(label) {
  if (best === null || training) return false;
  if (corrections.length === MOST_CORRECTIONS) {
    report(`The list is full: at most ${MOST_CORRECTIONS} drawings.`);
    return true;
  }
  corrections.push({ digit: answer.digit.slice(), label, said: best });
  keep();
  showCorrections();
  report(`Noted as a ${label}. ${corrections.length} in the list: train when you are ready.`);
  return true;
}

function report(text) {
  $('state').textContent = text;
  say(text);
}

// ---- training ----

const nextFrame = () => new Promise((done) => requestAnimationFrame(done));

async function train() {
  const start = performance.now();
  const focused = document.activeElement;
  let last;
  training = true;
  showButtons();
  $('progress').hidden = false;
  $('progress').max = net.trainSteps;
  $('progress').value = 0;
  say('Training.');
  try {
    for (const now of net.train(corrections)) {
      last = now;
      $('progress').value = now.step;
      $('state').textContent = `Step ${now.step}: loss ${now.loss.toFixed(3)}, ` +
        `${now.right} of ${corrections.length} corrections right`;
      showAnswer();
      await nextFrame();
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    report(`Trained ${last.step} steps in ${seconds} s: ${last.right} of ${corrections.length} corrections right, ` +
      `and ${net.practiceRight()} of ${net.practiceCount} practice digits.`);
  } catch (error) {
    report(`Training failed: ${error.message}`);
  }
  training = false;
  $('progress').hidden = true;
  showButtons();
  focused?.focus();
  showAnswer();
}

function reset() {
  net.reset();
  report('The weights are those that the page came with.');
  showAnswer();
}

// ---- the beginning ----

async function begin() {
  const simd = hasSimd();
  net = await Net.make(bytesOf($(simd ? 'wasm-simd' : 'wasm-scalar').textContent), bytesOf($('weights').textContent));
  $('engine').textContent = `libcnn ${net.version}, WebAssembly ${simd ? 'with' : 'without'} SIMD`;
  bars = new Bars($('probabilities'));
  maps = new Maps($('input'), [$('maps-1'), $('maps-2')]);
  for (let label = 0; label < 10; label++) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.setAttribute('aria-label', `This is a ${label}`);
    button.addEventListener('click', () => correct(label));
    $('labels').append(button);
  }
  pad = new Pad($('pad'), $('cursor'), { changed: askForFrame, said: say, shortcut: correct });
  $('undo').addEventListener('click', () => pad.undo());
  $('clear').addEventListener('click', () => {
    pad.clear();
    $('pad').focus();
  });
  $('train').addEventListener('click', train);
  $('reset').addEventListener('click', reset);
  const wide = matchMedia('(min-width: 46rem)');
  const arrange = () => maps.arrange(wide.matches ? [4, 8] : [4, 4]);
  arrange();
  wide.addEventListener('change', () => {
    arrange();
    askForFrame();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    maps.recolour();
    pad.redraw();
    showCorrections();
  });
  restore();
  askForFrame();
  showCorrections();
  $('loading').hidden = true;
  $('page').hidden = false;
}

begin().catch((error) => {
  $('loading').textContent = `The network could not be loaded: ${error.message}`;
});
