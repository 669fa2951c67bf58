import source from '../../shaders/losses/giou.wgsl';
import { assertVariable } from '../autograd/argument.js';
import type { Variable } from '../autograd/variable.js';
import { composed } from '../gpu/composed.js';
import type { Tensor } from '../tensor/tensor.js';
import { oneOf, optional, options as optionsOf } from '../util/argument.js';
import { type BoxForm, boxForms } from './compose.js';
import { assertShaped, type RowLossOptions, rowLoss } from './rowLoss.js';

const kernelOf = composed('giou', source, boxForms);

/** How boxes are compared. */
export interface BoxLossOptions extends RowLossOptions {
  /** `giou` (default); `ciou`, which adds centre distance and aspect ratio; or `ciou-ultralytics`, with YOLOv8's constants. */
  form?: BoxForm;
}

const OPTIONS = optionsOf({ form: optional(oneOf(...(Object.keys(boxForms) as BoxForm[]))) });

/**
 * Box regression loss of each row, 1 − GIoU (Rezatofighi et al., CVPR 2019) or 1 − CIoU (Zheng et al., AAAI 2020; the
 * gradient flows through its trade-off factor too, but for `ciou-ultralytics`). Where edges coincide each side has half of the gradient, as in torch.
 * @param predicted [R, 4] boxes x1, y1, x2, y2 in any one unit
 * @param truth [R, 4] in the same unit
 * @throws InputError when shapes do not fit
 */
export function giouLoss(predicted: Variable, truth: Tensor, options: BoxLossOptions = {}): Variable {
  assertVariable('predicted', predicted);
  OPTIONS('options', options);
  const { device } = predicted.value;
  const shape = [predicted.value.shape[0] ?? 0, 4];
  assertShaped('predicted', predicted.value, shape, 'boxes x1, y1, x2, y2');
  assertShaped('truth', truth, shape, 'as many boxes as predicted', device);
  return rowLoss(
    predicted,
    {
      kernel: kernelOf(options.form ?? 'giou'),
      bindings: { predicted: predicted.value.range4, truth: truth.range4 },
    },
    options,
  );
}
