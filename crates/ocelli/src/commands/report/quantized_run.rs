//! A run that trained weights on few levels, opened for what its page tells of them.

use burn::tensor::Device;
use ocelli::methods::METHODS;
use ocelli::methods::dqa::{DqaConfig, DqaSettings};
use ocelli::methods::post_training::TrainedLevels;
use ocelli::nn::weights::PackedLayout;
use ocelli::train::{LatentRun, Recipe, RunFolder, Trained};
use std::path::Path;

/// The section of a recipe.
const SECTION: &str = "dqa";

/// The last checkpoint of such a run.
pub(super) struct QuantizedRun {
    /// The network as it is used.
    pub(super) trained: Trained,
    /// The weights that are trained.
    pub(super) latent: LatentRun,
    pub(super) settings: DqaSettings,
    /// Its layers as they are packed.
    pub(super) levels: TrainedLevels,
    /// The bytes of its packed file, and of its learnt values as floats.
    pub(super) packed_bytes: u64,
    pub(super) float_bytes: u64,
}

impl QuantizedRun {
    /// The run in `folder`; `None` where it has no such section, quantizes nothing, or has no checkpoint yet.
    ///
    /// # Errors
    /// When its last checkpoint is damaged, or of another network than the recipe's.
    pub(super) fn open(
        folder: &Path,
        recipe: &Recipe,
        device: &Device,
    ) -> anyhow::Result<Option<Self>> {
        let Some(section) = recipe.method.as_ref().filter(|it| it.name() == SECTION) else {
            return Ok(None);
        };
        let settings = section.read::<DqaConfig>()?.check(section)?;
        if !settings.quantizes() {
            return Ok(None);
        }
        let newest = RunFolder::checkpoints_of(folder).newest()?.checkpoint;
        let Some(newest) = newest else { return Ok(None) };
        let trained = Trained::open(&newest.path, None, device)?;
        let latent = LatentRun::open(&trained, recipe, METHODS)?;
        let levels = TrainedLevels::new(&trained.network)?;
        let packed = trained.packed_size(&PackedLayout::of_network(&levels.network))?;
        let float_bytes = 4 * trained.network.params().learnt_count() as u64;
        let packed_bytes = packed.file();
        Ok(Some(Self { trained, latent, settings, levels, packed_bytes, float_bytes }))
    }
}
