"""Signing in to the pages by an OpenID Connect identity provider: authorization code flow with PKCE."""
