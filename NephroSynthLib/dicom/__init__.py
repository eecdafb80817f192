"""DICOM in and out: reading, phase recognition, writing, sending."""
