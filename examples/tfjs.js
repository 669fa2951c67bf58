/** A model of TensorFlow.js on the GPUDevice of edgewise: the head loss is one more operation. */
import * as tf from '@tensorflow/tfjs';
import { HeadLoss, openDevice } from 'edgewise';
import { headLossOp, startTfjs } from 'edgewise/tfjs';

const device = await openDevice();
await startTfjs(device); // where TensorFlow.js runs on WebGPU already: const device = adoptTfjs()

const [batch, classes, bins, imageSize] = [2, 3, 8, { width: 64, height: 48 }];
const loss = new HeadLoss(device, {
  classes,
  bins,
  strides: [8, 16],
  batch,
  imageSize,
  recipe: 'main-kd+main-ld+vlr-ld',
});

/** Class and box logits [B, H, W, channels] of two levels. */
function makeModel(width, seed) {
  const convolution = (filters, strides, activation) => {
    const kernelInitializer = tf.initializers.heNormal({ seed: seed++ });
    return tf.layers.conv2d({ filters, kernelSize: 3, strides, padding: 'same', activation, kernelInitializer });
  };
  const inputs = tf.input({ shape: [imageSize.height, imageSize.width, 3] });
  const eighth = [1, 2, 4].reduce((x, times) => convolution(width * times, 2, 'relu').apply(x), inputs);
  const levels = [eighth, convolution(4 * width, 2, 'relu').apply(eighth)];
  const heads = [convolution(classes, 1), convolution(4 * bins, 1)]; // shared by the levels
  return tf.model({ inputs, outputs: heads.flatMap((head) => levels.map((level) => head.apply(level))) });
}
const outputsOf = (levels) => ({ classLogits: levels.slice(0, 2), boxLogits: levels.slice(2) });

const [teacher, student] = [makeModel(16, 100), makeModel(4, 200)];
const images = tf.randomNormal([batch, imageSize.height, imageSize.width, 3], 0, 1, 'float32', 7);
const truth = { boxes: [4, 6, 40, 37, 1, 2, 30, 41], labels: [1, 0], images: [0, 1] };
const optimizer = tf.train.adam(0.01);
for (let step = 0; step < 6; step++) {
  const taught = tf.tidy(() => teacher.apply(images));
  const total = optimizer.minimize(
    () => headLossOp(loss, { student: outputsOf(student.apply(images)), teacher: outputsOf(taught), truth }),
    true,
  );
  console.log((await total.data())[0]);
  tf.dispose([taught, total]);
}
tf.removeBackend('webgpu');
await device.close();
