"""Learning data augmentation by bilevel optimisation, in JAX."""
