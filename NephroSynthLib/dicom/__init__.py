"""DICOM input and output: reading, phase recognition, writing, sending."""
