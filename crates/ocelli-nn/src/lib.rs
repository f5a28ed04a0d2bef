//! Networks for Ocelli: layers, backbones, the model registry, weights import and cost counting.
