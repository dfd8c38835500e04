"""Blame: which functions grew in a confirmed regression, and which commits in between touched them."""
