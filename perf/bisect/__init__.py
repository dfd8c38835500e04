"""Which commit did it: a search that noise does not mislead."""
