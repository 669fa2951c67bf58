import { InputError } from '../util/error.js';

/** A tensor of ONNX Runtime, as far as it is used here. */
export interface OnnxTensor {
  /** Of the elements, such as `float32`. */
  readonly type: string;
  /** Its shape. */
  readonly dims: readonly number[];
  /** A typed array. */
  readonly data: unknown;
}

/** A model that ONNX Runtime has opened, likewise. */
export interface OnnxSession {
  /** In the model's order. */
  readonly inputNames: readonly string[];
  /** Of each input; open sizes are names. */
  readonly inputMetadata: readonly (
    | { isTensor: true; type: string; shape: readonly (number | string)[] }
    | { isTensor: false }
  )[];
  /** Computes the outputs named. */
  run(feeds: Record<string, OnnxTensor>, outputs: readonly string[]): Promise<Record<string, OnnxTensor>>;
  /** Frees the model. */
  release(): Promise<void>;
}

/** ONNX Runtime for JavaScript: `onnxruntime-node` and `onnxruntime-web` have the same interface. */
export interface OnnxRuntime {
  /** Opens models. */
  InferenceSession: {
    /** Opens a model from the bytes of its file. */
    create(model: Uint8Array, options?: { logSeverityLevel: 0 | 1 | 2 | 3 | 4 }): Promise<OnnxSession>;
  };
  /** Makes tensors on the host. */
  Tensor: new (
    type: 'float32',
    data: Float32Array,
    dims: readonly number[],
  ) => OnnxTensor;
}

/** Logs only fatal errors: many models give a screen of warnings, and errors are thrown anyway. */
const QUIET = { logSeverityLevel: 4 } as const;

/** In the order in which they are tried: native code first. */
const PACKAGES = ['onnxruntime-node', 'onnxruntime-web'];

/**
 * The ONNX Runtime that is installed: `onnxruntime-node`, else `onnxruntime-web`.
 * @throws InputError with the command that installs one, and why one that is there does not start
 */
export async function loadRuntime(): Promise<OnnxRuntime> {
  const broken: string[] = [];
  for (const name of PACKAGES) {
    try {
      const loaded = (await import(name)) as OnnxRuntime & { default?: OnnxRuntime };
      // onnxruntime-node is a CommonJS package.
      return loaded.InferenceSession ? loaded : (loaded.default ?? loaded);
    } catch (error) {
      if (!isMissing(error, name)) broken.push(`${name} does not start: ${reasonOf(error)}`);
    }
  }
  const why = broken.length > 0 ? ` (${broken.join('; ')})` : '';
  throw new InputError(
    `an ONNX model needs ONNX Runtime${why}: npm install onnxruntime-web, or, faster, ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node`,
  );
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(`'${name}'`);
}

/**
 * Starts a session.
 * @param name of the model, for the message
 * @throws InputError when the runtime cannot read the model
 */
export async function openSession(runtime: OnnxRuntime, model: Uint8Array, name: string): Promise<OnnxSession> {
  try {
    return await runtime.InferenceSession.create(model, { ...QUIET }); // which onnxruntime-web adds to
  } catch (error) {
    throw new InputError(`${name}: ONNX Runtime cannot open it (${reasonOf(error)}).`, { cause: error });
  }
}

/**
 * Runs a session.
 * @param name of the model, for the message
 * @throws InputError when the runtime cannot
 */
export async function runSession(
  session: OnnxSession,
  feeds: Record<string, OnnxTensor>,
  outputs: readonly string[],
  name: string,
): Promise<Record<string, OnnxTensor>> {
  try {
    return await session.run(feeds, outputs);
  } catch (error) {
    throw new InputError(`${name}: ONNX Runtime cannot run it (${reasonOf(error)}).`, { cause: error });
  }
}

/** What ONNX Runtime says, in one line. */
function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, '; ');
}
