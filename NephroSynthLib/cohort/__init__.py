"""Many exams: a manifest in, a result for each exam, a table and a report of all of them out."""
