// Both operands are stored as the result is.

alias Left = Stored;
alias Right = Stored;
