//! The ordinary steps, after those on changed pixels.

use super::schedule::Schedule;
use super::{BaseImage, DeltaPlan, Workspace};
use crate::infer_plan::run_steps;

impl DeltaPlan {
    /// Puts candidates together from the base image and their changes, and runs the ordinary steps.
    pub(super) fn run_whole(
        &self,
        schedule: &Schedule,
        base: &BaseImage,
        candidates: usize,
        workspace: &mut Workspace,
        results: &mut [f32],
    ) {
        let slots = &schedule.slots;
        let share = slots.images_per_share(candidates);
        let result = self.layout[self.result.0];
        let shares = results.chunks_mut((share * self.result_len()).max(1));
        for (index, results) in shares.enumerate() {
            let first = index * share;
            let count = share.min(candidates - first);
            let Workspace { changes, arena, .. } = &mut *workspace;
            arena.reserve(slots, count);
            for &buffer in &schedule.carried {
                let length = self.buffers[buffer];
                let images = &mut arena.buffer_mut(slots, buffer)[..count * length];
                for (image, to) in images.chunks_exact_mut(length.max(1)).enumerate() {
                    to.copy_from_slice(&base.buffer(buffer)[..length]);
                    for written in schedule.written_in(buffer) {
                        let value = self.layout[written.0];
                        changes[written.0].for_each_pixel(first + image, |[row, column], pixel| {
                            let at = (row * value.width + column) * value.stride + value.offset;
                            to[at..at + pixel.len()].copy_from_slice(pixel);
                        });
                    }
                }
            }
            let steps = &self.steps[schedule.dense_from..];
            run_steps(steps, &self.layout, slots, arena, count);
            let rows = arena.rows(slots, result, count);
            for (row, to) in results.chunks_exact_mut(result.channels.max(1)).enumerate() {
                to.copy_from_slice(rows.row(row));
            }
        }
    }
}
