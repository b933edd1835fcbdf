"""May an image be believed? The parts of the gate between a network and the light."""
