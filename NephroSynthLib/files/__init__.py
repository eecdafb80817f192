"""What is written: whole or not at all, under fixed names, with the notice that every output carries."""
