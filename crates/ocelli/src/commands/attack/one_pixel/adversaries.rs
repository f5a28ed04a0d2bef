//! Images that were fooled, with their changes, as a dataset to train on: a WebDataset shard, whose
//! labels are the images' true classes.

use anyhow::Context;
use ocelli::methods::one_pixel::{AttackOutcome, AttackPlan, Attacked, apply};
use ocelli::report::encode_png;
use std::path::Path;
use tar::{Builder, Header};

use crate::whole_file::write_whole;

const SHARD: &str = "adversaries.tar";

/// Writes the successes on `attacked`, one after another, into the folder of the attack.
///
/// # Errors
/// When an image cannot be read or the file cannot be written.
pub(super) fn write(plan: &AttackPlan, attacked: &[Attacked], folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(SHARD);
    let mut shard = Builder::new(Vec::new());
    let mut count = 0;
    for image in attacked {
        let picture = plan.pictures().read(image.image)?;
        for outcome in image.outcomes.iter().filter(|outcome| outcome.success) {
            let changed = apply(&picture.image, &outcome.changes);
            let size = [changed.height, changed.width].map(|side| side as usize);
            let png = encode_png(size, changed.channels, &changed.pixels)?;
            let key = key(image, outcome);
            let mut add = |ending: &str, bytes: &[u8]| {
                let mut header = Header::new_gnu();
                header.set_size(bytes.len() as u64);
                header.set_mode(0o644);
                shard.append_data(&mut header, format!("{key}.{ending}"), bytes)
            };
            add("png", &png)
                .and_then(|()| add("cls", image.label.to_string().as_bytes()))
                .with_context(|| path.display().to_string())?;
            count += 1;
        }
    }
    let bytes = shard.into_inner().with_context(|| path.display().to_string())?;
    write_whole(&path, bytes)?;
    if count == 0 {
        tracing::warn!("no image was fooled: {} holds none to train on", path.display());
        return Ok(());
    }
    tracing::info!("{count} images to train on: {}", path.display());
    Ok(())
}

/// What an adversary is called, as in `000012-3px-to-5`.
fn key(image: &Attacked, outcome: &AttackOutcome) -> String {
    let target = outcome.aim.target().map(|target| format!("-to-{target}"));
    format!("{:06}-{}px{}", image.image, outcome.pixels, target.unwrap_or_default())
}
