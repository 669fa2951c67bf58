/** An engine of your own: logits and gradients in your buffers, everything in your command encoder. */
import { HeadLoss, openDevice, rowMajorLayout, Tensor, uploadTruth } from 'edgewise';

const device = await openDevice(); // Device.adopt(gpu) where your engine has a GPUDevice
const { gpu } = device;
const [batch, classes, bins, imageSize] = [1, 3, 17, { width: 128, height: 128 }];
const loss = new HeadLoss(device, { classes, bins, strides: [8, 16, 32], batch, imageSize, recipe: 'main-ld+vlr-ld' });
const truth = uploadTruth(device, { boxes: [20, 30, 90, 100], labels: [1], images: [0] }, { batch, classes });

const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
/** A head output [batch, locations, channels] in a buffer of ours. */
function rows(channels, valueAt = () => 0) {
  const shape = [batch, loss.grid.locations, channels];
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => valueAt(i));
  const buffer = gpu.createBuffer({ size: values.byteLength, usage });
  gpu.queue.writeBuffer(buffer, 0, values);
  return { tensor: Tensor.borrow(device, buffer, shape), layout: rowMajorLayout(channels, loss.grid.areas) };
}
const student = { classLogits: rows(classes), boxLogits: rows(4 * bins) };
const teacher = { classLogits: rows(classes), boxLogits: rows(4 * bins, (i) => 3 * Math.sin(i)) };
const gradients = { classLogits: rows(classes).tensor, boxLogits: rows(4 * bins).tensor };

// Our engine's part: logits -= 2 · gradient.
const code = `
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&logits)) { logits[id.x] -= 2.0 * gradient[id.x]; }
}`;
const compute = { module: gpu.createShaderModule({ code }) };
const descend = gpu.createComputePipeline({ layout: 'auto', compute });
const groups = ['classLogits', 'boxLogits'].map((key) =>
  gpu.createBindGroup({
    layout: descend.getBindGroupLayout(0),
    entries: [student[key].tensor, gradients[key]].map(({ buffer }, binding) => ({ binding, resource: { buffer } })),
  }),
);

for (let step = 0; step < 6; step++) {
  const encoder = gpu.createCommandEncoder();
  const result = device.record(encoder, () => loss.evaluate({ student, teacher, truth, gradients }));
  const pass = encoder.beginComputePass();
  pass.setPipeline(descend);
  for (const group of groups) {
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(Math.ceil((loss.grid.locations * 4 * bins) / 64));
  }
  pass.end();
  gpu.queue.submit([encoder.finish()]);
  console.log((await result.read()).total); // the only thing that is read back
  result.dispose();
}
await device.close();
