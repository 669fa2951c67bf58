// strided_copy_body.wgsl of single elements.
alias Element = f32;

#include "strided_copy_body.wgsl"
