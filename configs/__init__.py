"""The configs that come along, and the table of promises; read by `importlib.resources`."""
