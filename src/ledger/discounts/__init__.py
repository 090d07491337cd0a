"""Discounts: what they take off, who may grant them, and how a bill uses them."""
