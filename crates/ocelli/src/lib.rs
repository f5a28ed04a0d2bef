//! Train, compress, attack and extend image classifiers.

pub use ocelli_data as data;
pub use ocelli_methods as methods;
pub use ocelli_nn as nn;
pub use ocelli_random as random;
pub use ocelli_report as report;
pub use ocelli_train as train;
