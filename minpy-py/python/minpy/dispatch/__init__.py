"""The original's place of the policies."""
