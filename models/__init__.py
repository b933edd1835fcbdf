"""Networks: arrays in, arrays out. An engine is loaded when one is opened, and not before."""
