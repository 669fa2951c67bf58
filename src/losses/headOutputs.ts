import type { Maps } from '../tensor/layout.js';
import type { Pyramid } from '../tensor/pyramid.js';

/** What a head gives: class logits, box logits, and features for imitation. */
export interface HeadOutputs {
  /** C channels: scores are their sigmoids. */
  classLogits: Maps;
  /** 4·bins channels, channel = edge · bins + bin, edges left, top, right, bottom. */
  boxLogits: Maps;
  /** Where the recipe imitates features: the neck's output, as many channels for both nets. */
  features?: Pyramid;
}
