// What the left and the right matrix of matrices.wgsl hold. Results are f32.
alias Component = f32;
