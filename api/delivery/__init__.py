"""Deliveries of webhooks: which addresses may be reached, how a request is signed and sent, and when it is sent again."""
