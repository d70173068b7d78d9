"""`audit8 scan`: files in, a report out, by the model on this machine, by a server, or by the static rules alone."""
