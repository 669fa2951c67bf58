/** YOLOv8's head and its losses, with LD: 16 bins, box and class logits in one tensor [B, 4·bins + C, A]. */
import { channelMajorLayout, channelsFrom, HeadLoss, openDevice, uploadTruth } from 'edgewise';

const device = await openDevice();
const [batch, classes, bins, strides, imageSize] = [2, 80, 16, [8, 16, 32], { width: 160, height: 128 }];
const loss = new HeadLoss(device, { classes, bins, strides, batch, imageSize, recipe: 'yolov8+ld' });

const { areas, locations } = loss.grid;
const layout = channelMajorLayout(4 * bins + classes, areas);
function head(valueAt) {
  const shape = [batch, 4 * bins + classes, locations];
  const tensor = device.tensor(
    Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => valueAt(i)),
    shape,
  );
  return { boxLogits: { tensor, layout }, classLogits: { tensor, layout: channelsFrom(layout, 4 * bins) } };
}
const student = head(() => -1);
const teacher = head((i) => 2 * Math.sin(i) - 1);
const truth = uploadTruth(
  device,
  { boxes: [10, 12, 90, 80, 40, 20, 150, 120], labels: [7, 61], images: [0, 1] },
  { batch, classes },
);

for (let step = 0; step < 6; step++) {
  const result = loss.evaluate({ student, teacher, truth });
  const { tensor } = student.boxLogits;
  const gradient = await result.gradients.boxLogits.read(); // one gradient, laid out as the one tensor
  console.log((await result.read()).total);
  result.dispose();
  tensor.write((await tensor.read()).map((logit, i) => logit - 20 * gradient[i]));
}
await device.close();
