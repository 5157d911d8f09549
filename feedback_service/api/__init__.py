"""The JSON door; ``door`` draws its map and puts it together."""
