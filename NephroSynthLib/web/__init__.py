"""The browser view: results of one exam or of a cohort, with ratings, on trame-slicer."""
