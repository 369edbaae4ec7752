"""One exit gate per stage: facts in, verdict out."""
