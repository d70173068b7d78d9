"""Which model, from where, does it fit, and how far along it is. Loads nothing: the engine does that."""
