"""Reader studies: blinded pictures of real and synthetic volumes, a page to judge them, the figures of the answers."""
