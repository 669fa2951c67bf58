import { backward, Variable } from '../../src/autograd/variable.js';
import { planBuffers } from '../../src/gpu/bufferPlan.js';
import { GraphNet } from '../../src/onnx/graph/graphNet.js';
import { readGraph } from '../../src/onnx/graph/plan.js';
import { readModel } from '../../src/onnx/readModel.js';
import { SizingDevice } from '../../src/tensor/sizing.js';
import type { StoredType } from '../../src/tensor/stored.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { nanodetGraph } from '../nanodet.js';
import { noise } from '../noise.js';
import type { Row } from '../row.js';

export interface GraphStepSize {
  /** Pixels of a side of the images. */
  size: number;
  batch: number;
  /** Whether the forward pass is computed again for the gradients; default false. */
  recompute?: boolean;
  /** What its maps are stored in; default f32. */
  precision?: StoredType;
}

/** A step of an ONNX graph: forward, backward from gradients of its outputs, update by AdamW. */
export function trainStepGraphRow(
  name: string,
  { size, batch, recompute = false, precision = 'f32' }: GraphStepSize,
): Row {
  const kind = `${recompute ? ', recomputed' : ''}${precision === 'f16' ? ', maps in f16' : ''}`;
  return {
    name,
    what: `training step of a graph like NanoDet-m's, ${batch} images of ${size}×${size}${kind}, without a loss; --model FILE: of that ONNX file`,
    ...(precision === 'f16' && { needs: 'shader-f16' as const }),
    prepare: async (device, { model: file } = {}) => {
      const model = file ? (await readModel(file)).model : await nanodetGraph(batch, size);
      const open = { batch, width: size, height: size };
      const { inputs } = await readGraph(model, { open });
      const shapes = Object.fromEntries(inputs.map(({ name, shape }) => [name, [batch, ...shape.slice(1)]]));
      const graph = await readGraph(model, { shapes, open });
      const net = new GraphNet(device, graph, { precision });
      const settings = { optimizer: 'adamw', momentum: 0.9, weightDecay: 0.05, clip: 0, ema: 0 } as const;
      const optimizer = new Optimizer(net.parameters, settings);
      const images = Object.fromEntries(
        graph.inputs.map((port) => [port.name, new Variable(noise(device, port.shape))]),
      );
      const gradients = graph.outputs.map(({ shape }) => noise(device, shape, -1e-3, 1e-3));
      const sizing = new SizingDevice(device);
      const { uses } = sizing.needsOf(() => {
        const given = graph.inputs.map((port) => [port.name, new Variable(sizing.empty(port.shape))] as const);
        const sized = new GraphNet(sizing, graph, { precision });
        const outputs = sized.forward(Object.fromEntries(given), { training: true, recompute });
        backward([...outputs.values()].map((variable) => ({ variable, gradient: variable.value })));
      });
      const plan = planBuffers(uses);
      const record = () => {
        device.follow(plan);
        net.parameters.zeroGradients();
        const outputs = net.forward(images, { training: true, recompute });
        backward([...outputs.values()].map((variable, i) => ({ variable, gradient: gradients[i] })));
        optimizer.begin(1e-5);
        optimizer.update();
        device.follow(null);
      };
      const { heldBytes } = device.pool;
      device.tidy(record);
      const [first] = graph.parameters;
      const stem = graph.steps.find(({ inputs }) => inputs.includes(first?.name ?? ''))?.flops ?? 0;
      const flops = graph.steps.reduce((sum, step) => sum + step.flops, 0);
      return {
        record,
        bytes: null,
        copy: null,
        flop: 3 * flops - stem,
        scratchBytes: device.pool.heldBytes - heldBytes,
      };
    },
  };
}
