"""Jobs: typed requests, the functions that carry them out, and the process that runs them."""
