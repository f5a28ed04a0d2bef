//! Convolutions whose channels are in independent groups (Krizhevsky et al. 2012, section 3.2).
//!
//! A group is a dense convolution of some channels of the input to some of the output, and rows may
//! stand further apart than they are wide, so each group is run where its channels are. That suits
//! few groups of many channels; where each channel is a group, [`Depthwise`](crate::Depthwise) does.

use crate::conv::{Conv, PackedWeight};
use crate::elementwise::Write;
use crate::finish::Finish;
use crate::norm::Statistics;
use crate::patches::Patches;
use crate::rows::{Rows, RowsMut};

/// The sizes of a convolution with groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupedConv {
    /// One group.
    pub conv: Conv,
    /// How many groups there are.
    pub groups: usize,
}

/// The weight of each group in the order in which products read it.
#[derive(Clone, Debug)]
pub struct PackedGroups(Vec<PackedWeight>);

impl PackedGroups {
    /// How many elements [`GroupedConv::infer`] reads of it.
    pub fn elements(&self) -> usize {
        self.0.iter().map(PackedWeight::elements).sum()
    }
}

impl GroupedConv {
    /// How many elements the weight of a group has.
    fn weight_len(self) -> usize {
        self.conv.out_channels * self.conv.in_channels * self.conv.geometry.taps()
    }

    /// The weight of each group.
    fn weights(self, weight: &[f32]) -> impl Iterator<Item = &[f32]> {
        assert_eq!(weight.len(), self.groups * self.weight_len(), "length of a grouped weight");
        let length = self.weight_len();
        (0..self.groups).map(move |group| &weight[group * length..][..length])
    }

    fn check(self, inputs: usize, outputs: usize) {
        let expected = (self.groups * self.conv.in_channels, self.groups * self.conv.out_channels);
        assert_eq!((inputs, outputs), expected, "channels of a grouped convolution");
    }

    /// The channels of one group.
    fn group(rows: Rows<'_>, group: usize, channels: usize) -> Rows<'_> {
        rows.columns(group * channels, channels)
    }

    /// Computes `y`, and the statistics of its channels if wanted.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, groups · in_channels]`
    /// - `weight`: `[groups · out_channels, in_channels, taps]`, `bias`: `[groups · out_channels]`
    /// - `y`: `[output pixels, groups · out_channels]`
    ///
    /// # Panics
    /// When a shape differs from these.
    pub fn forward(
        self,
        x: Rows<'_>,
        weight: &[f32],
        bias: Option<&[f32]>,
        y: RowsMut<'_>,
        mut statistics: Option<&mut Statistics>,
    ) {
        self.check(x.channels(), y.channels());
        if let Some(all) = &mut statistics {
            all.mean.clear();
            all.variance.clear();
        }
        let Conv { in_channels, out_channels, .. } = self.conv;
        let parts = self.weights(weight).zip(y.channel_shares(out_channels));
        for (group, (weight, y)) in parts.enumerate() {
            let x = Self::group(x, group, in_channels);
            let bias = bias.map(|bias| &bias[group * out_channels..][..out_channels]);
            let mut seen = Statistics::default();
            let taken = statistics.is_some().then_some(&mut seen);
            self.conv.forward(x, weight, bias, y, taken);
            if let Some(all) = &mut statistics {
                all.mean.extend(seen.mean);
                all.variance.extend(seen.variance);
            }
        }
    }

    /// Arranges a weight for [`infer`](Self::infer) on images of this size, in any number.
    ///
    /// # Shapes
    /// - `weight`: `[groups · out_channels, in_channels, taps]`
    ///
    /// # Panics
    /// When the length differs.
    pub fn pack(self, weight: &[f32]) -> PackedGroups {
        PackedGroups(self.weights(weight).map(|weight| self.conv.pack(weight)).collect())
    }

    /// The same for [`infer_patches`](Self::infer_patches) as well.
    ///
    /// # Panics
    /// As for [`pack`](Self::pack).
    pub fn pack_for_patches(self, weight: &[f32]) -> PackedGroups {
        let packed = self.weights(weight).map(|weight| self.conv.pack_for_patches(weight));
        PackedGroups(packed.collect())
    }

    /// Computes `y`, bias, residual and activation included.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, groups · in_channels]`
    /// - `y`: `[output pixels, groups · out_channels]`
    ///
    /// # Panics
    /// When a shape differs from these, or the weight was packed for other channels, another window or
    /// images of another size.
    pub fn infer(self, x: Rows<'_>, packed: &PackedGroups, finish: &Finish<'_>, y: RowsMut<'_>) {
        self.check(x.channels(), y.channels());
        assert_eq!(packed.0.len(), self.groups, "groups of a packed weight");
        finish.check(y.count(), y.channels());
        let Conv { in_channels, out_channels, .. } = self.conv;
        for (group, (weight, y)) in packed.0.iter().zip(y.channel_shares(out_channels)).enumerate()
        {
            let x = Self::group(x, group, in_channels);
            let finish = finish.channels(group * out_channels, out_channels);
            self.conv.infer(x, weight, &finish, y);
        }
    }

    /// Computes `y` at some rectangles, on one thread, bias, residual and activation included.
    ///
    /// # Shapes
    /// - `y`: `[outputs of all patches, groups · out_channels]`; the residual likewise
    ///
    /// # Panics
    /// When a shape differs from these, or patches or weight are those of another layer, or the weight was
    /// not packed for patches.
    pub fn infer_patches(
        self,
        patches: &Patches<'_>,
        packed: &PackedGroups,
        finish: &Finish<'_>,
        y: RowsMut<'_>,
    ) {
        self.check(patches.channels, y.channels());
        assert_eq!(packed.0.len(), self.groups, "groups of a packed weight");
        finish.check(y.count(), y.channels());
        let Conv { in_channels, out_channels, .. } = self.conv;
        for (group, (weight, y)) in packed.0.iter().zip(y.channel_shares(out_channels)).enumerate()
        {
            let finish = finish.channels(group * out_channels, out_channels);
            self.conv.infer_patch_channels(patches, group * in_channels, weight, &finish, y);
        }
    }

    /// Computes the gradient of the input, or adds it to `dx`.
    ///
    /// # Shapes
    /// As for [`forward`](Self::forward), with `dy` for `y` and `dx` for `x`.
    ///
    /// # Panics
    /// When a shape differs.
    pub fn data_gradient(self, dy: Rows<'_>, weight: &[f32], dx: RowsMut<'_>, write: Write) {
        self.check(dx.channels(), dy.channels());
        let Conv { in_channels, out_channels, .. } = self.conv;
        let parts = self.weights(weight).zip(dx.channel_shares(in_channels));
        for (group, (weight, dx)) in parts.enumerate() {
            self.conv.data_gradient(Self::group(dy, group, out_channels), weight, dx, write);
        }
    }

    /// Computes the gradient of the weight.
    ///
    /// # Shapes
    /// As for [`forward`](Self::forward), with `dy` for `y` and `dweight` for `weight`.
    ///
    /// # Panics
    /// When a shape differs.
    pub fn weight_gradient(self, x: Rows<'_>, dy: Rows<'_>, dweight: &mut [f32]) {
        self.check(x.channels(), dy.channels());
        let length = self.weight_len();
        assert_eq!(dweight.len(), self.groups * length, "length of a grouped weight");
        let Conv { in_channels, out_channels, .. } = self.conv;
        for (group, dweight) in dweight.chunks_exact_mut(length.max(1)).enumerate() {
            let x = Self::group(x, group, in_channels);
            self.conv.weight_gradient(x, Self::group(dy, group, out_channels), dweight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_geometry, assert_close, for_each_tap, values};
    use proptest::prelude::*;

    /// One product at a time: output, data and weight gradient.
    fn naive(conv: GroupedConv, x: &[f32], w: &[f32], dy: &[f32]) -> [Vec<f64>; 3] {
        let GroupedConv { conv: Conv { geometry, in_channels, out_channels }, groups } = conv;
        let taps = geometry.taps();
        let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        for_each_tap(geometry, |target, source, tap| {
            for out in 0..groups * out_channels {
                let group = out / out_channels;
                for input in 0..in_channels {
                    let at_w = (out * in_channels + input) * taps + tap;
                    let at_x = source * groups * in_channels + group * in_channels + input;
                    let at_y = target * groups * out_channels + out;
                    y[at_y] += f64::from(w[at_w]) * f64::from(x[at_x]);
                    dx[at_x] += f64::from(w[at_w]) * f64::from(dy[at_y]);
                    dw[at_w] += f64::from(dy[at_y]) * f64::from(x[at_x]);
                }
            }
        });
        [y, dx, dw]
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(64))]
        #[test]
        fn all_passes_equal_the_naive_sums(
            geometry in any_geometry(),
            groups in 1_usize..4,
            in_channels in 1_usize..8,
            out_channels in 1_usize..8,
        ) {
            let conv = GroupedConv { conv: Conv { geometry, in_channels, out_channels }, groups };
            let (inputs, outputs) = (groups * in_channels, groups * out_channels);
            let x = values(geometry.input_pixels() * inputs, 1);
            let w = values(outputs * in_channels * geometry.taps(), 2);
            let dy = values(geometry.output_pixels() * outputs, 3);
            let bias = values(outputs, 4);
            let [y_expected, dx_expected, dw_expected] = naive(conv, &x, &w, &dy);
            let (x_rows, dy_rows) = (Rows::dense(&x, inputs), Rows::dense(&dy, outputs));

            let mut y = vec![9.0; dy.len()];
            let mut statistics = Statistics { mean: vec![9.0; 3], variance: vec![9.0; 3] };
            let to = RowsMut::dense(&mut y, outputs);
            conv.forward(x_rows, &w, Some(&bias), to, Some(&mut statistics));
            let biased = |i: usize| y_expected[i] + f64::from(bias[i % outputs]);
            assert_close(&y, &(0..y.len()).map(biased).collect::<Vec<_>>());
            let whole = Statistics::from_rows(Rows::dense(&y, outputs));
            let means: Vec<f64> = whole.mean.iter().map(|mean| f64::from(*mean)).collect();
            assert_close(&statistics.mean, &means);
            prop_assert_eq!(statistics.variance.len(), outputs);

            let finish = Finish {
                bias: Some(&bias),
                residual: Some(dy_rows),
                activation: Some(crate::Activation::Relu),
            };
            conv.infer(x_rows, &conv.pack(&w), &finish, RowsMut::dense(&mut y, outputs));
            let finished = |i: usize| (biased(i) + f64::from(dy[i])).max(0.0);
            assert_close(&y, &(0..y.len()).map(finished).collect::<Vec<_>>());

            let mut dx = vec![1.0; x.len()];
            conv.data_gradient(dy_rows, &w, RowsMut::dense(&mut dx, inputs), Write::Add);
            assert_close(&dx, &dx_expected.iter().map(|dx| dx + 1.0).collect::<Vec<_>>());
            let mut dw = vec![9.0; w.len()];
            conv.weight_gradient(x_rows, dy_rows, &mut dw);
            assert_close(&dw, &dw_expected);
        }
    }
}
