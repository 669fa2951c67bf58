// Valuable localization region (Zheng et al., CVPR 2022, algorithm 1): `params` has gamma; t is the threshold of the box.
//   paper:     gamma·t <= DIoU <= t
//   reference: gamma·t <= intersection / area(anchor) - rho^2/c^2 < t   (the authors' code, ATSSAssigner.get_vlr_region)

override REFERENCE: bool = false;

fn is_member(anchor: vec4f, box: vec4f, threshold: f32) -> bool {
  if (REFERENCE) {
    let x = box_pseudo_diou(anchor, box);
    return x >= params.gamma * threshold && x < threshold;
  }
  let x = box_diou(anchor, box);
  return x >= params.gamma * threshold && x <= threshold;
}

/// DIoU and pseudo DIoU are at most intersection / area(anchor). Nothing belongs to a box of negative threshold.
fn vlr_window(level: u32, valid: vec2u, box: vec4f, threshold: f32) -> Window {
  let window = share_window(level, valid, box, 0.999 * params.gamma * threshold);
  return Window(window.first, select(vec2u(), window.size, threshold >= 0.0));
}
