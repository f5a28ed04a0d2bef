//! Training-aware architecture search.
//!
//! Paper: Tan and Le, *EfficientNetV2: Smaller Models and Faster Training*, ICML 2021
//! (<https://arxiv.org/abs/2104.00298>), section 3.3. Its search code was not released.
//!
//! | paper | here |
//! | --- | --- |
//! | the space: operation, kernel, expansion and layers of each stage | [`Space`] |
//! | the reward A · Sʷ · Pᵛ | [`Reward`] |
//! | random search or reinforcement learning over up to 1,000 networks | [`SamplerKind`] |
//! | about 10 epochs each, smaller images, a minival split | [`Proxy`] |
//!
//! A search is a [`SearchPlan`]. It tries network after network ([`run`]) and writes each into a [`Ledger`],
//! from which it can go on.
//!
//! What the paper leaves open: S and P are divided by the step time and the parameters of the backbone
//! itself, so the backbone's reward is its accuracy. Its step is timed in turns with that of every
//! network, which cancels what else the machine does. The range of layers is that of the backbone, one
//! more or one less.
//!
//! Measured times steer samplers and choose the winner, so two searches with one seed part where times
//! do. With [`StepTime::Modelled`] times are counted from multiply-adds and bytes instead, and a search is
//! repeatable to the bit, on any machine whose trainings are.
//!
//! Deviation: REINFORCE has one softmax for each decision, in place of the paper's controller.
//!
//! Ours: the first trial is the backbone. Beside random search there is regularised evolution. Trials have no
//! moving average of weights and do not grow progressively: both want longer trainings.

mod config;
mod ledger;
mod pareto;
mod plan;
mod proxy;
mod reward;
mod run;
mod sampler;
mod space;
mod step_time;
mod trial;

pub use crate::ledger::Header;
pub use config::{EvolutionConfig, ReinforceConfig, SamplerKind, SearchConfig};
pub use ledger::Ledger;
pub use pareto::front;
pub use plan::SearchPlan;
pub use proxy::Proxy;
pub use reward::Reward;
pub use run::{End, Evaluator, Event, Verdict, run};
pub use space::{Candidate, Space, SpaceConfig, StageChoice};
pub use step_time::{StepTime, modelled_step_ms};
pub use trial::{Measured, Score, Trial, TrialOutcome};
