"""Sources of inventory. Each reads one kind of cloud or directory; none knows who runs it or where its results go."""
