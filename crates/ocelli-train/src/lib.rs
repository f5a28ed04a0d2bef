//! Training for Ocelli: recipes, optimisers, the trainer, checkpoints and run folders.
