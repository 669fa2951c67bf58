/**
 * Which adapter to look for. `auto`: hardware, then the system's software Vulkan (Mesa lavapipe), then embedded.
 * `embedded`: the SwiftShader that comes with the package (Linux x64).
 */
export type AdapterPreference = 'auto' | 'hardware' | 'software' | 'embedded';

export type AdapterKind = 'hardware' | 'software' | 'embedded' | 'browser';

/** An adapter and where it comes from. */
export interface FoundAdapter {
  /** Dawn's instance (Node) or `navigator.gpu` (browser); `undefined` once released. */
  gpu: GPU | undefined;
  adapter: GPUAdapter;
  kind: AdapterKind;
  /** For people: the driver manifest, the package, or the driver's own description. */
  source: string;
  /** Drops the reference to `gpu`. Destroy the device first; then nothing of it keeps the process from exiting. */
  release(): void;
}

export function foundAdapter(gpu: GPU, adapter: GPUAdapter, kind: AdapterKind, source: string): FoundAdapter {
  const found: FoundAdapter = {
    gpu,
    adapter,
    kind,
    source,
    release: () => {
      found.gpu = undefined;
    },
  };
  return found;
}

/** Whether the adapter computes on the CPU (Mesa llvmpipe, SwiftShader, Microsoft's WARP). */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const words = `${info.architecture} ${info.device} ${info.description}`;
  return info.isFallbackAdapter || /llvmpipe|swiftshader|microsoft basic render/i.test(words);
}

/** What the adapter calls itself. Browsers leave most fields empty. */
export function nameOf(info: GPUAdapterInfo): string {
  const { description, device, vendor, architecture } = info;
  return description || device || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed';
}
