"""Stress: more and more workers on one workload, until something gives, and why it stopped."""
