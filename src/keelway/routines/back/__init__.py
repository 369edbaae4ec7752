"""What belongs to the way back beside walking it: its choice, its drills, drift, branches."""
