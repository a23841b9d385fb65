"""docker/ without a Docker engine: what its files say is read from them and run on this machine, under other paths."""
