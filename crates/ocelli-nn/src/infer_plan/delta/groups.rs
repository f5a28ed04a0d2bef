//! Windows over changed pixels, for some rectangles at a time.

use super::changes::Changes;
use super::input::Input;
use super::rect::Rect;
use super::reused_buffer::ReusedBuffer;
use super::view::View;
use crate::infer_plan::step::{Convolution, Kernel};
use ocelli_kernels::{Conv, Finish, Geometry, Patches, Rows, RowsMut};

/// Memory that steps use on their way.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) patches: ReusedBuffer,
    pub(super) outputs: Vec<[usize; 2]>,
    pub(super) residual: ReusedBuffer,
}

impl Scratch {
    /// How many elements it holds.
    pub(super) fn len(&self) -> usize {
        self.patches.memory.len() + self.residual.memory.len()
    }
}

/// Rectangles that are computed together.
pub(super) struct Group<'a> {
    /// With their candidates.
    pub(super) rects: &'a [(usize, Rect)],
    pub(super) patches: Patches<'a>,
    pub(super) residual: Option<Rows<'a>>,
    pub(super) y: RowsMut<'a>,
}

/// How a step's window takes its input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sliding {
    geometry: Geometry,
    /// What stands for pixels beyond the image.
    outside: f32,
    /// How many elements the patches of a group have, or little more.
    limit: usize,
}

/// Elements of patches that stay in the second cache beside a small weight.
const SMALL_GROUP: usize = 64 * 1024;

impl Sliding {
    /// A window that takes `outside` for pixels beyond the image.
    pub(super) fn new(geometry: Geometry, outside: f32) -> Self {
        Self { geometry, outside, limit: SMALL_GROUP }
    }

    /// A convolution. A large weight wants many pixels each time that it is read.
    pub(super) fn from_convolution(convolution: &Convolution) -> Self {
        const LARGE_WEIGHT: usize = 256 * 1024;
        const LARGE_GROUP: usize = 512 * 1024;
        let sliding = Self::new(convolution.geometry(), 0.0);
        let is_large = convolution.weight_len() > LARGE_WEIGHT;
        Self { limit: if is_large { LARGE_GROUP } else { SMALL_GROUP }, ..sliding }
    }

    /// Calls `work` with the patches, the residual and the outputs of some rectangles at a time.
    pub(super) fn in_groups(
        self,
        [x, other]: [Option<&Input<'_>>; 2],
        y: &mut Changes,
        scratch: &mut Scratch,
        mut work: impl FnMut(Group<'_>),
    ) {
        let Some(x) = x else { return };
        let Scratch { patches, outputs, residual } = scratch;
        let channels = x.value.channels;
        let rects: Vec<(usize, Rect)> = y.all().collect();
        if let Some(changes) = x.same_pixels(y).filter(|_| self.geometry.is_pointwise()) {
            outputs.clear();
            outputs.extend(rects.iter().map(|(_, rect)| [rect.height, rect.width]));
            let residual = other.map(|other| other.at(y, residual));
            let patches = Patches::new(self.geometry, channels, outputs, changes.data());
            let y = y.rows_mut(0, y.pixels());
            return work(Group { rects: &rects, patches, residual, y });
        }
        let (mut from, mut first_pixel) = (0, 0);
        while from < rects.len() {
            patches.clear();
            outputs.clear();
            for (candidate, rect) in &rects[from..] {
                let view = View::of_window(self.geometry, *rect);
                let patch = patches.extend(view.area() * channels);
                x.seen(*candidate).copy(view, self.outside, patch);
                outputs.push([rect.height, rect.width]);
                if patches.written().len() >= self.limit {
                    break;
                }
            }
            let group = &rects[from..from + outputs.len()];
            let residual = other.map(|other| other.collect(group.iter().copied(), residual));
            let patches = Patches::new(self.geometry, channels, outputs, patches.written());
            let pixels = patches.output_pixels();
            let y = y.rows_mut(first_pixel, pixels);
            work(Group { rects: group, patches, residual, y });
            first_pixel += pixels;
            from += group.len();
        }
    }
}

impl Convolution {
    /// How many elements the weight has.
    pub(super) fn weight_len(&self) -> usize {
        let of = |conv: Conv| conv.geometry.taps() * conv.in_channels * conv.out_channels;
        match &self.kernel {
            Kernel::Dense(conv, _) => of(*conv),
            Kernel::Depthwise(conv, _) => conv.geometry.taps() * conv.channels,
            Kernel::Grouped(grouped, _) => grouped.groups * of(grouped.conv),
        }
    }

    /// How many elements of it are read for whole images.
    pub(super) fn whole_weight_len(&self) -> usize {
        match &self.kernel {
            Kernel::Dense(_, weight) => weight.elements(),
            Kernel::Depthwise(..) => self.weight_len(),
            Kernel::Grouped(_, weights) => weights.elements(),
        }
    }

    pub(super) fn geometry(&self) -> Geometry {
        match &self.kernel {
            Kernel::Dense(conv, _) => conv.geometry,
            Kernel::Depthwise(conv, _) => conv.geometry,
            Kernel::Grouped(grouped, _) => grouped.conv.geometry,
        }
    }

    /// Computes the outputs of some rectangles.
    pub(super) fn run(&self, group: Group<'_>) {
        let Group { patches, residual, y, .. } = group;
        let finish = Finish { bias: self.bias.as_deref(), residual, activation: self.activation };
        match &self.kernel {
            Kernel::Dense(conv, weight) => conv.infer_patches(&patches, weight, &finish, y),
            Kernel::Depthwise(conv, weight) => conv.infer_patches(&patches, weight, &finish, y),
            Kernel::Grouped(conv, weight) => conv.infer_patches(&patches, weight, &finish, y),
        }
    }
}
