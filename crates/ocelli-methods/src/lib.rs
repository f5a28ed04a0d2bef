//! The published methods of Ocelli, one folder a paper.
