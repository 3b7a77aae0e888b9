// Runs the program on a log, apart from the page: the log is its standard input, what it prints is the answer.
"use strict";
const BAD_FILE = 8, NO_SUCH_CALL = 52, STEP = 1 << 20;

class Ended extends Error {
  constructor(code) { super("ended with " + code); this.code = code; }
}

// The part of WASI that a program which reads, prints and ends takes.
function system(log, args, printed, progress) {
  const reader = new FileReaderSync();
  let memory, at = 0, step = new Uint8Array(0);
  const view = () => new DataView(memory.buffer);
  const words = args.map(word => new TextEncoder().encode(word + "\0"));
  const put = (list, pointers, text) => {
    for (const bytes of list) {
      view().setUint32(pointers, text, true);
      new Uint8Array(memory.buffer, text, bytes.length).set(bytes);
      pointers += 4; text += bytes.length;
    }
    return 0;
  };
  const sizes = (list, count, length) => {
    view().setUint32(count, list.length, true);
    view().setUint32(length, list.reduce((sum, bytes) => sum + bytes.length, 0), true);
    return 0;
  };
  // Calls `each` for every piece of memory that a list names, and sums up what it took.
  const pieces = (list, count, total, each) => {
    let sum = 0;
    for (let n = 0; n < count; n++) {
      const start = view().getUint32(list + 8 * n, true), length = view().getUint32(list + 8 * n + 4, true);
      const took = each(new Uint8Array(memory.buffer, start, length));
      sum += took;
      if (took < length) break;
    }
    view().setUint32(total, sum, true);
    return 0;
  };
  return {
    attach: instance => { memory = instance.exports.memory; },
    calls: {
      args_sizes_get: (count, length) => sizes(words, count, length),
      args_get: (pointers, text) => put(words, pointers, text),
      environ_sizes_get: (count, length) => sizes([], count, length),
      environ_get: () => 0,
      fd_prestat_get: () => BAD_FILE,
      // A step of the file at a time, so that a log of any length takes the same memory.
      fd_read: (file, list, count, total) => file !== 0 ? BAD_FILE : pieces(list, count, total, space => {
        if (!step.length && at < log.size) {
          step = new Uint8Array(reader.readAsArrayBuffer(log.slice(at, at + STEP)));
          at += step.length;
          progress(at / log.size);
        }
        const part = step.subarray(0, space.length);
        space.set(part);
        step = step.subarray(part.length);
        return part.length;
      }),
      fd_write: (file, list, count, total) => pieces(list, count, total, part => {
        if (file === 1) printed.push(part.slice());
        return part.length;
      }),
      random_get: (start, length) => { crypto.getRandomValues(new Uint8Array(memory.buffer, start, length)); return 0; },
      proc_exit: code => { throw new Ended(code); },
    },
  };
}

onmessage = async ({ data: { program, file, args } }) => {
  try {
    const printed = [];
    const { attach, calls } = system(file, ["busbar", ...args], printed, part => postMessage({ part }));
    const wanted = WebAssembly.Module.imports(program).map(({ name }) => [name, calls[name] ?? (() => NO_SUCH_CALL)]);
    const instance = await WebAssembly.instantiate(program, { wasi_snapshot_preview1: Object.fromEntries(wanted) });
    attach(instance);
    try { instance.exports._start(); } catch (error) { if (!(error instanceof Ended)) throw error; }
    postMessage({ answer: new Blob(printed) });
  } catch (error) {
    postMessage({ failed: String(error) });
  }
};
