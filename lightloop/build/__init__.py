"""From a config to the parts of a run. Each concrete class is named here, and nowhere else."""
