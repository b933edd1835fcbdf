"""The front door: command line, run config, supervision. It alone knows every concrete class."""
