import { sigmoid, softplus } from './bins.js';

/** A loss of one logit and its derivative by that logit; the target is held fixed. */
export interface LogitLoss {
  loss: number;
  gradient: number;
}

/** Binary cross-entropy with a soft target y in [0, 1] (YOLOv8): l = -y ln s - (1-y) ln(1-s), s = sigmoid(x); dl/dx = s - y. */
export function bce(logit: number, target: number): LogitLoss {
  const loss = target * softplus(-logit) + (1 - target) * softplus(logit);
  return { loss, gradient: sigmoid(logit) - target };
}

export interface VarifocalOptions {
  /** Weight of negatives. 0.75 unless given. */
  alpha?: number | undefined;
  /** Exponent of a negative's score. 2 unless given. */
  gamma?: number | undefined;
  /** Whether a positive counts as its target rather than as 1. True unless given. */
  iouWeighted?: boolean | undefined;
}

/**
 * Varifocal loss (Zhang et al., CVPR 2021, eq. 2) with target q in [0, 1]: q BCE(x, q) where q > 0 (1 in place of the factor q
 * without `iouWeighted`), alpha s^gamma BCE(x, 0) where q = 0. The factor s^gamma is differentiated, too, as the authors,
 * mmdetection and PaddleDetection do: d/dx alpha s^gamma softplus(x) = alpha s^gamma (gamma (1-s) softplus(x) + s).
 */
export function varifocal(logit: number, target: number, options: VarifocalOptions = {}): LogitLoss {
  const { alpha = 0.75, gamma = 2, iouWeighted = true } = options;
  const entropy = bce(logit, target);
  if (target > 0) {
    const weight = iouWeighted ? target : 1;
    return { loss: weight * entropy.loss, gradient: weight * entropy.gradient };
  }
  const weight = alpha * sigmoid(logit) ** gamma;
  return {
    loss: weight * entropy.loss,
    gradient: weight * (gamma * sigmoid(-logit) * entropy.loss + entropy.gradient),
  };
}
