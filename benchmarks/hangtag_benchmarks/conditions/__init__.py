"""What a run is held to: conditions, and reference results of boards."""
