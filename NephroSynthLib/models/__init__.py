"""Model bundles: trained networks with a header that says how to run and how to judge them."""
