"""Evidence about a patch, weighed without trusting the patch."""
