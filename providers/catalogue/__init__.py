"""What a declaration of a resource type can say, and how an item becomes a resource."""
