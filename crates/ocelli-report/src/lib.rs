//! Plots, HTML reports and TensorBoard events for Ocelli.
