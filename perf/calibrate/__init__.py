"""What this machine can see: the same program against itself."""
