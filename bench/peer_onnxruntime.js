// Runs the tutorial's model with ONNX Runtime on command, speaking the protocol of bench_net.c; inference only.
// Usage: node peer_onnxruntime.js MODULES MODEL [-t threads] [-b batch size] [-i]
'use strict';
const path = require('path');
const readline = require('readline');

function option(name, otherwise) {
    const at = process.argv.indexOf(name);
    return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

async function main() {
    const where = path.resolve(process.argv[2], 'onnxruntime-node');
    const ort = require(where);
    const batch = option('-b', 200);
    const session = await ort.InferenceSession.create(process.argv[3], {
        executionProviders: ['cpu'], intraOpNumThreads: option('-t', 0), interOpNumThreads: 1,
        graphOptimizationLevel: 'all', logSeverityLevel: 3,
    });
    const inputs = [];
    for (let i = 0; i < 8; i++) {
        const data = new Float32Array(batch * 784);
        for (let k = 0; k < data.length; k++) {
            data[k] = ((Math.random() < 0.25 ? Math.floor(Math.random() * 256) : 0) / 255 - 0.1307) / 0.3081;
        }
        inputs.push({ x: new ort.Tensor('float32', data, [batch, 1, 28, 28]) });
    }
    let next = 0;
    const step = () => session.run(inputs[next++ % inputs.length]);
    for (let i = 0; i < 3; i++) {
        await step();
    }
    console.log('ready ONNX-Runtime ' + require(path.join(where, 'package.json')).version);
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const times = [];
        for (let i = 0; i < Number(line); i++) {
            const start = process.hrtime.bigint();
            await step();
            times.push((Number(process.hrtime.bigint() - start) / 1e9).toFixed(7));
        }
        console.log(times.join(' '));
    }
    console.log(process.resourceUsage().maxRSS);
}

main();
