/** The built-in detector and autograd: a student learns from a teacher on one batch. */
import { backward, Detector, detectorConfig, HeadLoss, Optimizer, openDevice, Pyramid, uploadTruth } from 'edgewise';

const device = await openDevice();
const [batch, classes, width, height] = [2, 3, 96, 64];
const configOf = (size) => detectorConfig({ size, classes, width, height });
const student = new Detector(device, configOf('tiny'), { seed: 1 });
const teacher = new Detector(device, configOf('small'), { seed: 2 }); // a trained one: restoreDetector of edgewise/trainer
const { bins, strides } = configOf('tiny');
const recipe = 'main-kd+main-ld+vlr-ld';
const loss = new HeadLoss(device, { classes, bins, strides, batch, imageSize: { width, height }, recipe });
const settings = { optimizer: 'adamw', momentum: 0, weightDecay: 0.01, clip: 10, ema: 0 };
const optimizer = new Optimizer(student.parameters, settings);

const pixels = device.tensor(Float32Array.from({ length: batch * 3 * height * width }, (_, i) => Math.sin(i / 7)));
const images = Pyramid.of(pixels, batch, 3, [{ width, height }]);
const annotations = { boxes: [10, 8, 60, 50, 30, 12, 90, 60], labels: [0, 2], images: [0, 1] };
const truth = uploadTruth(device, annotations, { batch, classes });
const valuesOf = ({ classLogits, boxLogits }) => ({ classLogits: classLogits.value, boxLogits: boxLogits.value });

for (let step = 0; step < 6; step++) {
  optimizer.begin(0.003);
  const total = device.tidy(() => {
    student.parameters.zeroGradients();
    const taught = teacher.forward(images, { training: false });
    const own = student.forward(images, { training: true });
    const result = loss.evaluate({ student: valuesOf(own), teacher: valuesOf(taught), truth });
    backward([
      { variable: own.classLogits, gradient: result.gradients.classLogits },
      { variable: own.boxLogits, gradient: result.gradients.boxLogits },
    ]);
    optimizer.update();
    return result.total; // all else goes back to the pool
  });
  console.log((await total.read())[0]);
  total.dispose();
}
await device.close();
