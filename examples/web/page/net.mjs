// The network: libcnn as WebAssembly, with the functions of page.c, and weights from a safetensors file.

export const SIDE = 28; // pixels of a digit's side
export const DIGIT_BYTES = SIDE * SIDE;
export const MAPS = [
  { count: 8, side: 28 },
  { count: 16, side: 14 },
];
export const MOST_CORRECTIONS = 64;

// Whether this engine has WebAssembly's SIMD: it validates a module of one function, `i32.const 0; i8x16.splat; drop`.
export function hasSimd() {
  const module = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11];
  return WebAssembly.validate(new Uint8Array(module));
}

// The tensors of a safetensors file: eight bytes of length, a header in JSON, and the elements, little-endian.
export function readSafetensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  delete header.__metadata__;
  return Object.entries(header).map(([name, entry]) => {
    if (entry.dtype !== 'F32') throw new Error(`weights: ${name} is ${entry.dtype}, expected F32`);
    const [begin, end] = entry.data_offsets;
    const copy = new Uint8Array(bytes.subarray(8 + length + begin, 8 + length + end));
    return { name, values: new Float32Array(copy.buffer) };
  });
}

export class Net {
  // `wasm` and `weights` are the bytes of the module and of the safetensors file.
  static async make(wasm, weights) {
    const net = new Net();
    const { instance } = await WebAssembly.instantiate(wasm, net.#imports());
    net.#calls = instance.exports;
    net.#calls._initialize?.();
    net.#check(net.#calls.page_start());
    net.sheetSide = net.#calls.page_sheet_side();
    net.trainSteps = net.#calls.page_train_most();
    net.practiceCount = net.#calls.page_practice_count();
    net.kernels = net.#text(net.#calls.page_kernels());
    net.version = net.#text(net.#calls.page_version());
    net.#weights = readSafetensors(weights);
    net.reset();
    return net;
  }

  #calls;
  #weights;

  // What a C library asks of a system. There is none: calls that are not listed fail, with WASI's number 8.
  #imports() {
    const known = {
      proc_exit: (status) => {
        throw new Error(`the module ended with status ${status}`);
      },
      emscripten_notify_memory_growth: () => {},
    };
    const answer = { get: (_, name) => known[name] ?? (() => 8) };
    const functions = new Proxy({}, answer);
    return { env: functions, wasi_snapshot_preview1: functions };
  }

  #text(address) {
    const bytes = new Uint8Array(this.#calls.memory.buffer);
    return new TextDecoder().decode(bytes.slice(address, bytes.indexOf(0, address)));
  }

  #check(result) {
    if (result === -1) throw new Error(this.#text(this.#calls.page_error()) || 'the network failed');
    return result;
  }

  // Puts the weights back to those of the file.
  reset() {
    for (const { name, values } of this.#weights) {
      const text = new TextEncoder().encode(name + '\0');
      const address = this.#calls.page_allocate(values.byteLength + text.length);
      if (address === 0) throw new Error('no memory for the weights');
      const memory = new Uint8Array(this.#calls.memory.buffer);
      memory.set(new Uint8Array(values.buffer), address);
      memory.set(text, address + values.byteLength);
      this.#check(this.#calls.page_load(address + values.byteLength, address, values.length));
      this.#calls.page_free(address);
    }
  }

  clear() {
    this.#calls.page_clear();
  }

  // Draws a line on the sheet, in pixels of the sheet; `radius` is half the width of the pen.
  line(ax, ay, bx, by, radius) {
    this.#calls.page_line(ax, ay, bx, by, radius);
  }

  // What the network makes of the sheet: `best` is null where nothing is written. The arrays are views of the module's
  // memory, good until the next call.
  answer() {
    const best = this.#check(this.#calls.page_answer());
    const { buffer } = this.#calls.memory;
    return {
      best: best < 0 ? null : best,
      probabilities: new Float32Array(buffer, this.#calls.page_probabilities(), 10),
      digit: new Uint8Array(buffer, this.#calls.page_digit(), DIGIT_BYTES),
      maps: MAPS.map(({ count, side }, i) =>
        new Float32Array(buffer, this.#calls.page_maps(i + 1), count * side * side)),
    };
  }

  // Trains on corrections, each a digit of DIGIT_BYTES bytes and its label: a generator of what each step came to. Ends
  // the run however its caller ends.
  *train(corrections) {
    corrections.forEach(({ digit, label }, i) => {
      new Uint8Array(this.#calls.memory.buffer, this.#calls.page_correction(i), DIGIT_BYTES).set(digit);
      this.#calls.page_label(i, label);
    });
    this.#check(this.#calls.page_train_begin(corrections.length));
    try {
      while (!this.#calls.page_train_done()) {
        const step = this.#check(this.#calls.page_train_step());
        yield { step, loss: this.#calls.page_train_loss(), right: this.#calls.page_train_right() };
      }
    } finally {
      this.#calls.page_train_end();
    }
  }

  // How many of the practice digits are right.
  practiceRight() {
    return this.#check(this.#calls.page_practice_right());
  }
}
