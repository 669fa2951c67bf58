alias Element = Stored;
alias Wide = f32;

#include "strided_copy_body.wgsl"
