import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import {
  concat,
  customGrad,
  engine,
  mul,
  reshape,
  type Scalar,
  type Tensor as TfTensor,
  tidy,
} from '@tensorflow/tfjs-core';
import type { HeadLoss } from '../losses/headLoss.js';
import type { HeadOutputs } from '../losses/headOutputs.js';
import { type GroundTruth, type Truth, uploadTruth } from '../regions/truth.js';
import { type Maps, rowMajorLayout } from '../tensor/layout.js';
import { InputError } from '../util/error.js';
import { flush, viewOf, webgpuBackend } from './backend.js';

/**
 * What a head of TensorFlow.js gives, float32: one tensor of all locations, [B, A, channels], or one of each level,
 * [B, H, W, channels], which are concatenated; levels in the order of the head loss's strides.
 */
export interface TfjsOutputs {
  /** C channels. */
  classLogits: TfTensor | readonly TfTensor[];
  /** 4·bins channels, edge-major. */
  boxLogits: TfTensor | readonly TfTensor[];
}

/** What `headLossOp` compares. */
export interface HeadLossOpInput {
  /** Where the gradient flows to. */
  student: TfjsOutputs;
  /** Of TensorFlow.js, or of edgewise: buffers, kept logits, its own detector. No gradient flows into it. */
  teacher?: TfjsOutputs | HeadOutputs;
  /** On the device, or on the host, to be uploaded for this call. */
  truth: Truth | GroundTruth;
}

/**
 * The head loss as a differentiable operation of TensorFlow.js on its WebGPU backend, for `tf.variableGrads` or
 * `optimizer.minimize`: reads the logits where they lie and writes the gradients into tensors of TensorFlow.js; nothing is read
 * back. A recipe that imitates features needs `HeadLoss.evaluate`.
 * @returns the total; its gradient flows into the student's logits
 * @throws InputError when the backend is not WebGPU or on another device than the loss, or a tensor does not fit; it is named
 * @throws DeviceError when the device is lost, or an error came in since the last call, of TensorFlow.js or of edgewise: the
 *   logits may be wrong. In a browser such errors arrive later; the console shows them at once, and the next call throws.
 */
export function headLossOp(loss: HeadLoss, { student, teacher, truth }: HeadLossOpInput): Scalar {
  const tfjs = webgpuBackend();
  if (tfjs.device !== loss.device.gpu) {
    throw new InputError(
      'loss: made on another GPUDevice than TensorFlow.js runs on; share one: await startTfjs(device), or adoptTfjs().',
    );
  }
  return tidy(() => {
    const own = rowsOf(loss, 'student', student);
    const other = teacher && (isTfjs(teacher) ? rowsOf(loss, 'teacher', teacher) : teacher);
    const evaluate = customGrad<Scalar>((classLogits, boxLogits, save) => {
      const rows = { classLogits: classLogits as TfTensor, boxLogits: boxLogits as TfTensor };
      const { total, gradients } = evaluated(tfjs, loss, { student: rows, teacher: other, truth });
      (save as (tensors: TfTensor[]) => void)(gradients);
      return { value: total, gradFunc: (dy, saved) => saved.map((gradient) => mul(gradient, dy)) };
    });
    return evaluate(own.classLogits, own.boxLogits);
  });
}

/** [B, A, channels] each. */
interface Rows {
  classLogits: TfTensor;
  boxLogits: TfTensor;
}

function isTfjs(outputs: TfjsOutputs | HeadOutputs): outputs is TfjsOutputs {
  return Array.isArray(outputs.classLogits) || 'dataId' in outputs.classLogits;
}

/** @throws InputError when a shape does not fit the loss */
function rowsOf(loss: HeadLoss, name: string, { classLogits, boxLogits }: TfjsOutputs): Rows {
  const { batch, classes, bins, grid } = loss;
  return {
    classLogits: rows(`${name}.classLogits`, classLogits, classes),
    boxLogits: rows(`${name}.boxLogits`, boxLogits, 4 * bins),
  };

  function rows(what: string, value: TfTensor | readonly TfTensor[], channels: number): TfTensor {
    if (!isList(value)) {
      expectShape(what, value, [batch, grid.locations, channels]);
      return value;
    }
    if (value.length !== grid.levels.length) {
      throw new InputError(`${what}: ${value.length} tensors; the grid has ${grid.levels.length} levels.`);
    }
    const levels = grid.levels.map(({ height, width }, l) => {
      expectShape(`${what}[${l}]`, value[l], [batch, height, width, channels]);
      return reshape(value[l], [batch, height * width, channels]);
    });
    return levels.length === 1 ? levels[0] : concat(levels, 1);
  }
}

function isList(value: TfTensor | readonly TfTensor[]): value is readonly TfTensor[] {
  return Array.isArray(value);
}

function expectShape(what: string, { shape }: TfTensor, expected: readonly number[]): void {
  if (shape.join() === expected.join()) return;
  throw new InputError(`${what}: shape [${shape}]; expected [${expected}].`);
}

/** Evaluates the loss, after TensorFlow.js' recorded work, into new tensors of TensorFlow.js. */
function evaluated(
  tfjs: WebGPUBackend,
  loss: HeadLoss,
  input: { student: Rows; teacher: Rows | HeadOutputs | undefined; truth: Truth | GroundTruth },
): { total: Scalar; gradients: TfTensor[] } {
  const { device, batch, classes, grid } = loss;
  const view = (name: string, tensor: TfTensor) => viewOf(device, tfjs, name, tensor);
  const maps = (name: string, tensor: TfTensor): Maps => ({
    tensor: view(name, tensor),
    layout: rowMajorLayout(tensor.shape[2] ?? 0, grid.areas),
  });
  const outputs = (name: string, { classLogits, boxLogits }: Rows): HeadOutputs => ({
    classLogits: maps(`${name}.classLogits`, classLogits),
    boxLogits: maps(`${name}.boxLogits`, boxLogits),
  });
  const empty = (shape: number[]) => {
    const info = tfjs.makeTensorInfo(shape, 'float32');
    return engine().makeTensorFromTensorInfo(info, tfjs);
  };
  const { student, teacher, truth } = input;
  const total = empty([]);
  const gradients = [empty(student.classLogits.shape), empty(student.boxLogits.shape)];
  device.tidy(() => {
    const inputs = {
      student: outputs('student', student),
      ...(teacher && { teacher: isRows(teacher) ? outputs('teacher', teacher) : teacher }),
      truth: isTruth(truth) ? truth : uploadTruth(device, truth, { batch, classes }),
      gradients: { classLogits: view('gradient', gradients[0]), boxLogits: view('gradient', gradients[1]) },
    };
    const { range } = view('total', total);
    flush(tfjs);
    // What TensorFlow.js could not compute is not to be learnt from: throws an error that it, or we, had since the last call.
    device.submit();
    const evaluation = loss.evaluate(inputs);
    device.copy(evaluation.total.buffer, evaluation.total.offset, range.buffer, range.offset, 4);
    evaluation.dispose();
    // Before TensorFlow.js uses any of these buffers again.
    device.submit();
  });
  return { total: total as Scalar, gradients };
}

function isRows(outputs: Rows | HeadOutputs): outputs is Rows {
  return 'dataId' in outputs.classLogits;
}

function isTruth(truth: Truth | GroundTruth): truth is Truth {
  return 'imageStarts' in truth;
}
