"""Where code is written: one private workspace per task."""
