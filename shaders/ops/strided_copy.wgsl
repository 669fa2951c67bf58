alias Element = f32;

#include "strided_copy_body.wgsl"
