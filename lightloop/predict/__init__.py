"""What a run would take before it is run: shots, time, light, disk, bleaching."""
