import type { onnx } from 'onnx-proto';
import { protobuf } from './protobuf.js';

/** The operator set that is written: ONNX Runtime reads it from 1.12 on, in every build. */
const OPSET = 17;
/** The version of the file format that belongs to it. */
const IR_VERSION = 8;

/** onnx.TensorProto.DataType and onnx.AttributeProto.AttributeType: constants of the format. */
const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE = { float: 1, integer: 2, string: 3, integers: 7 } as const;

type Attribute = number | string | readonly number[];

/** The name of a tensor in a graph. */
export type Edge = string;

/** A tensor that goes in or comes out: its sizes, or the name of one that is left open. */
export interface Port {
  name: Edge;
  shape: readonly (number | string)[];
}

/** Collects the nodes and constants of an ONNX graph. Every method that makes a tensor gives its name. */
export class Graph {
  readonly #nodes: onnx.INodeProto[] = [];
  readonly #constants = new Map<Edge, onnx.ITensorProto>();

  /**
   * Adds an operator.
   * @param attributes integers; `float:NAME` marks those that ONNX wants as floats
   * @returns its output, called `name` or numbered
   */
  node(op: string, inputs: readonly Edge[], attributes: Record<string, Attribute> = {}, name?: Edge): Edge {
    const [output] = this.nodes(op, inputs, attributes, 1, name);
    return output;
  }

  /** The same with several outputs. */
  nodes(op: string, inputs: readonly Edge[], attributes: Record<string, Attribute>, count: number, name?: Edge) {
    const own = name ?? `${op}_${this.#nodes.length}`;
    const output = Array.from({ length: count }, (_, i) => (count === 1 ? own : `${own}_${i}`));
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.#nodes.push({ opType: op, name: own, input: [...inputs], output, attribute });
    return output;
  }

  /** Adds a constant of floats; one name is one constant, however often it is asked for. */
  floats(name: Edge, shape: readonly number[], values: ArrayLike<number>): Edge {
    return this.#constant(name, FLOAT, shape, Float32Array.from(values));
  }

  /** Likewise, of 64-bit integers. */
  integers(name: Edge, values: readonly number[]): Edge {
    return this.#constant(name, INT64, [values.length], BigInt64Array.from(values, BigInt));
  }

  #constant(name: Edge, dataType: number, dims: readonly number[], values: Float32Array | BigInt64Array): Edge {
    if (!this.#constants.has(name)) {
      const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      this.#constants.set(name, { name, dataType, dims: [...dims], rawData });
    }
    return name;
  }

  /**
   * The model file.
   * @param description name, text and metadata_props
   */
  async encode(
    ports: { inputs: readonly Port[]; outputs: readonly Port[] },
    description: { producer: string; version: string; text: string; metadata: Record<string, string> },
  ): Promise<Uint8Array> {
    const { ModelProto } = await protobuf();
    return ModelProto.encode({
      irVersion: IR_VERSION,
      opsetImport: [{ domain: '', version: OPSET }],
      producerName: description.producer,
      producerVersion: description.version,
      docString: description.text,
      metadataProps: Object.entries(description.metadata).map(([key, value]) => ({ key, value })),
      graph: {
        name: description.producer,
        node: this.#nodes,
        initializer: [...this.#constants.values()],
        input: ports.inputs.map(portOf),
        output: ports.outputs.map(portOf),
      },
    }).finish();
  }
}

function attributeOf(key: string, value: Attribute): onnx.IAttributeProto {
  if (key.startsWith('float:')) return { name: key.slice('float:'.length), type: ATTRIBUTE.float, f: value as number };
  if (typeof value === 'number') return { name: key, type: ATTRIBUTE.integer, i: value };
  if (typeof value === 'string') return { name: key, type: ATTRIBUTE.string, s: new TextEncoder().encode(value) };
  return { name: key, type: ATTRIBUTE.integers, ints: [...value] };
}

function portOf({ name, shape }: Port): onnx.IValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } };
}
