// The page's two modules in node: `measure.mjs FOLDER WEIGHTS`, where FOLDER has simd.wasm and scalar.wasm. They give
// the same answers, training is the same each time and can be undone; and what an answer and a step of training take.

import { readFileSync } from 'node:fs';
import { Net, hasSimd } from '../../examples/web/page/net.mjs';

const [folder, weights] = process.argv.slice(2);
const FRAMES = 300;

// Lines on a unit square.
const shapes = {
  seven: [[0.2, 0.12, 0.8, 0.12], [0.8, 0.12, 0.4, 0.9]],
  one: [[0.5, 0.1, 0.5, 0.9]],
  four: [[0.35, 0.1, 0.2, 0.55], [0.2, 0.55, 0.8, 0.55], [0.62, 0.3, 0.6, 0.92]],
  cross: [[0.2, 0.2, 0.8, 0.8], [0.8, 0.2, 0.2, 0.8]],
};

function require(condition, message) {
  if (!condition) {
    console.log(`check-web: FAILED: ${message}`);
    process.exit(1);
  }
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

function answerTo(net, shape) {
  const side = net.sheetSide;
  net.clear();
  for (const [ax, ay, bx, by] of shape) net.line(ax * side, ay * side, bx * side, by * side, side / 28);
  return net.answer();
}

function timesOf(count, work) {
  return Array.from({ length: count }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
}

async function examine(kind) {
  const net = await Net.make(readFileSync(`${folder}/${kind}.wasm`), readFileSync(weights));
  const answers = Object.values(shapes).map((shape) => {
    const { best, probabilities } = answerTo(net, shape);
    const sum = probabilities.reduce((a, b) => a + b, 0);
    require(Math.abs(sum - 1) < 1e-5, `${kind}: the probabilities sum to ${sum}`);
    return { best, probabilities: probabilities.slice() };
  });
  require(answers[0].best === 7 && answers[1].best === 1 && answers[2].best === 4,
    `${kind}: 7, 1 and 4 are read as ${answers.slice(0, 3).map((a) => a.best)}`);
  net.clear();
  require(net.answer().best === null, `${kind}: an empty sheet has an answer`);
  const frames = timesOf(FRAMES, () => answerTo(net, shapes.four));

  const cross = answers[3];
  const label = cross.best === 2 ? 3 : 2;
  const correction = { digit: answerTo(net, shapes.cross).digit.slice(), label };
  const run = () => {
    net.reset();
    return Array.from(net.train([correction]));
  };
  const first = run();
  const steps = first.length;
  require(answerTo(net, shapes.cross).best === label, `${kind}: training on a correction does not change the answer`);
  const practice = net.practiceRight();
  require(practice >= 0.95 * net.practiceCount,
    `${kind}: ${practice} practice digits of ${net.practiceCount} are right`);
  require(JSON.stringify(run()) === JSON.stringify(first), `${kind}: trained twice, the steps differ`);
  const begin = performance.now();
  run();
  const step = (performance.now() - begin) / steps;
  net.reset();
  const again = answerTo(net, shapes.cross).probabilities;
  require(again.every((p, i) => p === cross.probabilities[i]), `${kind}: reset does not bring the answer back`);
  let refused = false;
  try {
    Array.from(net.train([]));
  } catch (error) {
    refused = /there are no corrections/.test(error.message);
  }
  require(refused, `${kind}: training without corrections is not refused`);
  console.log(`  ok      ${kind}, ${net.kernels} kernels: an answer takes ${median(frames).toFixed(2)} ms, a step of ` +
    `training ${step.toFixed(1)} ms; a cross is learnt in ${steps} steps, with ${practice} of ` +
    `${net.practiceCount} practice digits right`);
  return answers;
}

require(hasSimd(), 'node has no SIMD');
const simd = await examine('simd');
const scalar = await examine('scalar');
const apart = Math.max(...simd.flatMap((a, i) =>
  Array.from(a.probabilities, (p, k) => Math.abs(p - scalar[i].probabilities[k]))));
require(apart < 1e-5, `with SIMD and without, probabilities differ by ${apart}`);
console.log(`  ok      with SIMD and without, probabilities differ by ${apart.toExponential(1)} at most`);
