"""From simulated or real exams to training-ready cases, and from cases to model bundles."""
