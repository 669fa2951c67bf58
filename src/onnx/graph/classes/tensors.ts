import { InputError } from '../../../util/error.js';
import { classCount } from '../../mapping.js';
import { type Edge, sizeOfShape } from '../host.js';
import type { GraphNode } from '../parse.js';
import type { GraphSurvey } from '../plan.js';
import { placesOf, type Region } from '../regions.js';
import { headOrigins, readGraphOf, type StudentShape } from '../studentPlan.js';
import { weightsOf } from '../trainable.js';

/** Where a weight or a bias holds the classes. */
interface ClassTensor {
  /** Along which they lie. */
  axis: number;
  /** Of the first. */
  start: number;
  /** How many the model has. */
  count: number;
  /** Whether values are added, not multiplied. */
  isBias: boolean;
  /** Whether it is the bias that gets the prior; others of the same logits start at 0. */
  startsPrior: boolean;
}

/** What makes class logits. */
export interface ClassTensors {
  /** Weights and biases by name. */
  parts: Map<Edge, ClassTensor>;
  /** Nodes without a bias, by position: their channels, and which are classes. */
  bare: Map<number, { channels: number; start: number; count: number }>;
}

/**
 * Finds the weights and biases that make the class logits of every level.
 * @throws InputError when they are made by something else than Conv, Gemm or MatMul of one group
 */
export function classTensorsOf(shape: StudentShape, survey: GraphSurvey): ClassTensors {
  const found: ClassTensors = { parts: new Map(), bare: new Map() };
  const { classes } = headOrigins(shape, survey);
  for (const [level, { region, maker }] of classes.entries()) {
    new Search(shape, survey, found, shape.mapping.strides[level]).from(region, maker);
  }
  return found;
}

/** The search behind the logits of one level. */
class Search {
  readonly #shape: StudentShape;
  readonly #survey: GraphSurvey;
  readonly #found: ClassTensors;
  readonly #stride: number;
  readonly #weights: ReturnType<typeof weightsOf>;
  readonly #makers: ReturnType<typeof readGraphOf>['makers'];

  constructor(shape: StudentShape, survey: GraphSurvey, found: ClassTensors, stride: number) {
    this.#shape = shape;
    this.#survey = survey;
    this.#found = found;
    this.#stride = stride;
    this.#weights = weightsOf(shape.parsed.nodes, shape.parsed.initializers);
    this.#makers = readGraphOf(shape.parsed, survey).makers;
  }

  from(region: Region, maker: GraphNode | undefined): void {
    let node = maker;
    let hasBias = false;
    for (;;) {
      if (node?.operator === 'Add') {
        const [input, constant] = this.#sides(node);
        if (!this.#weights.has(constant)) break;
        const axis =
          this.#shapeOf(node.outputs[0]).length - 1 - (region.extents[1] > 1 ? this.#channelFromEnd(region) : 0);
        const { shape } = this.#weights.get(constant) ?? { shape: [] };
        if (sizeOfShape(shape) > 1) {
          const own = axis - this.#shapeOf(node.outputs[0]).length + shape.length;
          this.#note(constant, { ...this.#place(region, axis), axis: own, isBias: true, startsPrior: !hasBias });
          hasBias = true;
        }
        node = this.#makers.get(this.#edge(input));
      } else if ((node?.operator === 'Mul' || node?.operator === 'Div') && this.#isScalar(node)) {
        node = this.#makers.get(this.#edge(this.#sides(node)[0]));
      } else break;
    }
    if (!node || !['Conv', 'Gemm', 'MatMul'].includes(node.operator)) {
      throw this.#refusal(
        `are made by ${node ? `${node.operator} (node ${node.name})` : 'no node'}; only Conv, Gemm and MatMul get new outputs`,
      );
    }
    this.#noteProduct(region, node, hasBias);
  }

  #noteProduct(region: Region, node: GraphNode, hasBias: boolean): void {
    const { operator, attributes, index } = node;
    if (Number(attributes.get('group') ?? 1) !== 1) {
      throw this.#refusal(
        `come out of a convolution of ${attributes.get('group')} groups (node ${node.name}), where each class has channels of its own`,
      );
    }
    const rank = this.#shapeOf(node.outputs[0]).length;
    const place = this.#place(region, operator === 'MatMul' ? rank - 1 : 1);
    const weight = this.#constant(node, 1);
    const weightAxis =
      operator === 'Conv'
        ? 0
        : operator === 'Gemm' && attributes.get('transB') === 1
          ? 0
          : this.#shapeOf(weight).length - 1;
    this.#note(weight, { ...place, axis: weightAxis, isBias: false, startsPrior: false });
    if ((node.inputs[2] ?? '') !== '') {
      const bias = this.#constant(node, 2);
      const { length } = this.#shapeOf(bias);
      this.#note(bias, { ...place, axis: length - 1, isBias: true, startsPrior: !hasBias });
    } else if (!hasBias) {
      if (operator === 'MatMul')
        throw this.#refusal(`are a MatMul (node ${node.name}) without a bias, which new classes need`);
      this.#found.bare.set(index, {
        channels: this.#shapeOf(weight)[weightAxis],
        start: place.start,
        count: place.count,
      });
    }
  }

  /** Where the classes lie along an axis of the tensor that holds them. */
  #place({ edge, first, steps, extents }: Region, axis: number): { start: number; count: number } {
    const shape = this.#shapeOf(edge);
    const isAlone = placesOf(steps[1], shape).every((place, i) => place === (i === axis ? 1 : 0));
    if (extents[1] > 1 && !isAlone) throw this.#refusal(`do not lie side by side in ${edge}`);
    return { start: placesOf(first, shape)[axis], count: classCount(this.#shape.mapping) };
  }

  /** Axes behind that of the channels. */
  #channelFromEnd({ edge, steps }: Region): number {
    const places = placesOf(steps[1], this.#shapeOf(edge));
    return places.length - 1 - places.indexOf(1);
  }

  #note(edge: Edge, tensor: ClassTensor): void {
    const other = this.#found.parts.get(edge);
    if (other && (other.axis !== tensor.axis || other.start !== tensor.start || other.count !== tensor.count)) {
      throw this.#refusal(`share ${edge} with another level, which takes other channels of it`);
    }
    this.#found.parts.set(edge, tensor);
  }

  /** An input that is a constant of the file. */
  #constant(node: GraphNode, input: number): Edge {
    const edge = this.#edge(node.inputs[input]);
    if (this.#weights.get(edge)?.type === 'float') return edge;
    throw this.#refusal(`come out of node ${node.name}, whose input ${node.inputs[input]} is no constant of the file`);
  }

  /** What depends on the images, and the constant. */
  #sides({ inputs: [left, right] }: GraphNode): [Edge, Edge] {
    return this.#weights.has(this.#edge(left)) ? [right, this.#edge(left)] : [left, this.#edge(right)];
  }

  #isScalar(node: GraphNode): boolean {
    const [, constant] = this.#sides(node);
    return this.#weights.get(constant)?.data.length === 1;
  }

  /** Without the nodes that pass it on. */
  #edge(edge: Edge): Edge {
    return this.#survey.values.get(edge)?.edge ?? edge;
  }

  #shapeOf(edge: Edge): readonly number[] {
    return this.#survey.values.get(edge)?.shape ?? this.#weights.get(edge)?.shape ?? [];
  }

  #refusal(reason: string): InputError {
    return new InputError(
      `${this.#shape.name}: its classes cannot be replaced: the class logits of stride ${this.#stride} ${reason}. Export the model with the classes of the data.`,
    );
  }
}
