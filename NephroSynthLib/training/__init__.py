"""From simulated or real exams to cases for training, and from cases to model bundles."""
