"""Writing of files: atomic, under fixed names, with the notice that every output carries."""
