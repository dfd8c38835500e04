"""Load: declared workloads as images, driven through the replicator, every tag verified at the destination."""
