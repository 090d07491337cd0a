"""The folder that an auditor keeps."""
