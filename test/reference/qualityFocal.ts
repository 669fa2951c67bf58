import { sigmoid, softplus } from './bins.js';

/**
 * Quality focal loss of one logit (Generalized Focal Loss, eq. 5), the quality y in [0, 1] held fixed:
 * l = |y - s|^beta BCE(x, y), s = sigmoid(x), BCE = -y ln s - (1-y) ln(1-s) = softplus(x) - y x;
 * dl/dx = |s-y|^beta (s-y) + beta |s-y|^(beta-1) sign(s-y) s (1-s) BCE.
 */
export function qualityFocalLoss(logit: number, quality: number, beta = 2): { loss: number; gradient: number } {
  const score = sigmoid(logit);
  const entropy = quality * softplus(-logit) + (1 - quality) * softplus(logit);
  const error = score - quality;
  if (error === 0) return { loss: beta === 0 ? entropy : 0, gradient: 0 };
  const modulation = Math.abs(error) ** beta;
  const slope = beta * Math.abs(error) ** (beta - 1) * Math.sign(error) * score * sigmoid(-logit);
  return { loss: modulation * entropy, gradient: modulation * error + slope * entropy };
}
