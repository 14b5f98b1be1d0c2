"""Sign-in to Microsoft, shared by the providers that read it."""
