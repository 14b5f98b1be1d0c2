"""The resource types of Google Cloud as declarations, one module for each part of the catalogue."""
