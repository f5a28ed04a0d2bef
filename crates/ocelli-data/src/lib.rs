//! Image datasets for Ocelli: sources, decoding, resizing, augmentation and the exact-resume loader.
