//! All layers against exact sums, on every instruction set and for several numbers of threads.

use super::simd::InstructionSet;
use super::*;
use crate::conv::Conv;
use crate::depthwise::Depthwise;
use crate::geometry::{Axis, Geometry, Window};
use crate::grouped::GroupedConv;
use crate::quantize::Grid;
use crate::rows::{Rows, RowsMut};
use crate::testing::{any_geometry, for_each_tap, values};
use proptest::prelude::*;

/// `length` reproducible codes up to `top`.
fn codes(length: usize, seed: u32, top: u32) -> Vec<u8> {
    let of = |value: f32| ((value * 0.5 + 0.5) * (top + 1) as f32) as u32;
    values(length, seed).into_iter().map(|value| of(value).min(top) as u8).collect()
}

fn byte_grid(zero: u8, step: f32, top: u32) -> ByteGrid {
    let grid = Grid { offset: -f32::from(zero) * step, step, top };
    ByteGrid::new(grid).expect("a grid with 0")
}

/// What varies between layers beside their sizes.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// Bits of the weight.
    bits: u32,
    /// Whether the weight's levels miss 0.
    shifted: bool,
    per_channel: bool,
    zero: u8,
    /// Whether the output is rounded before something is added.
    rounded: bool,
    /// 0 nothing, 1 codes, 2 values.
    addend: u8,
    /// 0 values, 1 codes, 2 both.
    output: u8,
    threads: usize,
}

fn any_case() -> impl Strategy<Value = Case> {
    let layer = (prop::sample::select(vec![1_u32, 2, 3, 4, 8]), any::<bool>(), any::<bool>());
    let threads = prop::sample::select(vec![1_usize, 2, 8]);
    let around = (any::<u8>(), any::<bool>(), 0_u8..3, 0_u8..3, threads);
    (layer, around).prop_map(|(layer, (zero, rounded, addend, output, threads))| {
        let (bits, shifted, per_channel) = layer;
        Case { bits, shifted, per_channel, zero, rounded, addend, output, threads }
    })
}

/// How far a value is outside an interval.
fn beyond(value: f64, [low, high]: [f64; 2]) -> f64 {
    (low - value).max(value - high).max(0.0)
}

/// A layer of any kind with all that it is handed.
struct Subject {
    case: Case,
    x: Vec<u8>,
    weight: Vec<u8>,
    grids: Vec<Grid>,
    factors: Vec<f32>,
    bias: Vec<f32>,
    addend_codes: Vec<u8>,
    addend_values: Vec<f32>,
    in_channels: usize,
    out_channels: usize,
}

impl Subject {
    fn new(case: Case, [inputs, outputs]: [usize; 2], weight: usize, channels: [usize; 2]) -> Self {
        let [in_channels, out_channels] = channels;
        let top = (1 << case.bits) - 1;
        let grid = |channel: usize| {
            let step = 0.01 + 0.003 * channel as f32;
            let middle =
                if case.shifted { 0.3 + top as f32 / 3.0 } else { (top as f32 / 2.0).ceil() };
            Grid { offset: -middle * step, step, top }
        };
        let grids = if case.per_channel { out_channels } else { 1 };
        Self {
            case,
            x: codes(inputs * in_channels, 1, 255),
            weight: codes(weight, 2, top),
            grids: (0..grids).map(grid).collect(),
            factors: values(out_channels, 3),
            bias: values(out_channels, 4),
            addend_codes: codes(outputs * out_channels, 5, 200),
            addend_values: values(outputs * out_channels, 6),
            in_channels,
            out_channels,
        }
    }

    fn grid() -> ByteGrid {
        byte_grid(20, 0.04, 250)
    }

    fn addend_grid() -> ByteGrid {
        byte_grid(31, 0.05, 200)
    }

    fn rounded_grid() -> ByteGrid {
        byte_grid(128, 0.03, 255)
    }

    fn layer(&self) -> QuantizedLayer<'_> {
        let addend = match self.case.addend {
            0 => AddendKind::None,
            1 => AddendKind::Codes(Self::addend_grid()),
            _ => AddendKind::Values,
        };
        QuantizedLayer {
            codes: &self.weight,
            grids: &self.grids,
            factors: Some(&self.factors),
            bias: Some(&self.bias),
            input: byte_grid(self.case.zero, 0.02, 255),
            before_addend: self.case.rounded.then(Self::rounded_grid),
            addend,
            range: [-1.0, 6.0],
            output: match self.case.output {
                0 => OutputKind::Values,
                1 => OutputKind::Codes(Self::grid()),
                _ => OutputKind::Both(Self::grid()),
            },
        }
    }

    fn level(&self, channel: usize, code: u8) -> f64 {
        let grid = self.grids[channel % self.grids.len()];
        f64::from(grid.offset) + f64::from(grid.step) * f64::from(code)
    }

    /// Between which real numbers each result is, from sums in double precision of the levels: where the sums
    /// are rounded, one near the middle of two levels may go to either.
    fn expected(&self, sums: &[f64]) -> Vec<[f64; 2]> {
        let addend = |index: usize| match self.case.addend {
            0 => 0.0,
            1 => {
                let code = i32::from(self.addend_codes[index]) - 31;
                f64::from(Self::addend_grid().step()) * f64::from(code)
            }
            _ => f64::from(self.addend_values[index]),
        };
        let slack = 1e-4 * sums.iter().fold(1.0_f64, |most, sum| most.max(sum.abs()));
        let rounded = |value: f64| {
            let place = value / f64::from(0.03_f32) + 128.0;
            [place - slack, place + slack]
                .map(|place| f64::from(0.03_f32) * (place.round().clamp(0.0, 255.0) - 128.0))
        };
        let result = |(index, sum): (usize, &f64)| {
            let channel = index % self.out_channels;
            let scaled = sum * f64::from(self.factors[channel]) + f64::from(self.bias[channel]);
            let ends = if self.case.rounded { rounded(scaled) } else { [scaled; 2] };
            ends.map(|end| (end + addend(index)).clamp(-1.0, 6.0))
        };
        sums.iter().enumerate().map(result).collect()
    }

    /// Runs a layer on every instruction set: all must give the same bits, and these be those of the
    /// expected numbers.
    fn check(
        &self,
        sums: &[f64],
        run: impl Fn(InstructionSet, Rows<'_, u8>, Option<Addend<'_>>, Output<'_>) + Sync,
    ) {
        let x = Rows::dense(&self.x, self.in_channels);
        let addend = match self.case.addend {
            0 => None,
            1 => Some(Addend::Codes(Rows::dense(&self.addend_codes, self.out_channels))),
            _ => Some(Addend::Values(Rows::dense(&self.addend_values, self.out_channels))),
        };
        let expected = self.expected(sums);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.case.threads).build();
        let pool = pool.expect("a pool");
        let mut all_codes: Vec<Vec<u8>> = Vec::new();
        let mut all_values: Vec<Vec<f32>> = Vec::new();
        for set in InstructionSet::available() {
            let (mut codes, mut values) = (vec![99; expected.len()], vec![99.0; expected.len()]);
            let code_rows = RowsMut::dense(&mut codes, self.out_channels);
            let value_rows = RowsMut::dense(&mut values, self.out_channels);
            let output = match self.case.output {
                0 => Output::Values(value_rows),
                1 => Output::Codes(code_rows),
                _ => Output::Both(code_rows, value_rows),
            };
            pool.install(|| run(set, x, addend, output));
            if self.case.output != 0 {
                all_codes.push(codes);
            }
            if self.case.output != 1 {
                all_values.push(values);
            }
        }
        if self.case.output == 2 {
            let exact = all_values[0].iter().map(|value| Self::grid().grid().code(*value) as u8);
            assert_eq!(all_codes[0], exact.collect::<Vec<u8>>(), "codes of the values");
        }
        for codes in &all_codes {
            assert_eq!(codes, &all_codes[0], "codes of an instruction set");
        }
        for values in &all_values {
            assert_eq!(values, &all_values[0], "values of an instruction set");
        }
        let scale = sums.iter().fold(1.0_f64, |most, sum| most.max(sum.abs()));
        if let Some(codes) = all_codes.first() {
            for (code, expected) in codes.iter().zip(&expected) {
                let ends = expected.map(|end| (end / f64::from(0.04_f32) + 20.0).clamp(0.0, 250.0));
                let error = beyond(f64::from(*code), ends);
                assert!(error <= 0.5 + 1e-4 * scale, "code {code}, expected {ends:?}");
            }
        }
        if let Some(values) = all_values.first() {
            for (value, expected) in values.iter().zip(&expected) {
                let error = beyond(f64::from(*value), *expected);
                assert!(error <= 1e-6 * (8.0 + scale), "value {value}, expected {expected:?}");
            }
        }
    }

    /// The value of an input's code.
    fn input(&self, index: usize) -> f64 {
        f64::from(0.02_f32) * (f64::from(self.x[index]) - f64::from(self.case.zero))
    }
}

fn check_groups(geometry: Geometry, groups: usize, channels: [usize; 2], case: Case) {
    let [in_channels, out_channels] = channels;
    let taps = geometry.taps();
    let pixels = [geometry.input_pixels(), geometry.output_pixels()];
    let all = [groups * in_channels, groups * out_channels];
    let subject = Subject::new(case, pixels, all[1] * in_channels * taps, all);
    let mut sums = vec![0.0; pixels[1] * all[1]];
    for_each_tap(geometry, |target, source, tap| {
        for out in 0..all[1] {
            let group = out / out_channels;
            for input in 0..in_channels {
                let code = subject.weight[(out * in_channels + input) * taps + tap];
                let x = subject.input(source * all[0] + group * in_channels + input);
                sums[target * all[1] + out] += x * subject.level(out, code);
            }
        }
    });
    let conv = Conv { geometry, in_channels, out_channels };
    let batch = geometry.batch;
    let packed = PackedGroups::new(GroupedConv { conv, groups }, &subject.layer());
    subject.check(&sums, |set, x, addend, output| packed.run_with(set, batch, x, addend, output));
    if groups == 1 {
        let packed = PackedConv::new(conv, &subject.layer());
        subject
            .check(&sums, |set, x, addend, output| packed.run_with(set, batch, x, addend, output));
    }
}

fn check_depthwise(geometry: Geometry, channels: usize, case: Case) {
    let taps = geometry.taps();
    let pixels = [geometry.input_pixels(), geometry.output_pixels()];
    let subject = Subject::new(case, pixels, channels * taps, [channels; 2]);
    let mut sums = vec![0.0; pixels[1] * channels];
    for_each_tap(geometry, |target, source, tap| {
        for channel in 0..channels {
            let level = subject.level(channel, subject.weight[channel * taps + tap]);
            sums[target * channels + channel] += subject.input(source * channels + channel) * level;
        }
    });
    let packed = PackedDepthwise::new(Depthwise { geometry, channels }, &subject.layer());
    let batch = geometry.batch;
    subject.check(&sums, |set, x, addend, output| {
        packed.run_with(set, batch, x, addend, output);
    });
}

/// A window that sees nothing but padding, and levels that miss 0.
#[test]
fn pixels_of_padding_alone_are_zero() {
    let window = Window { kernel: 1, stride: 1, dilation: 1, before: 1 };
    let axis =
        |input: usize| Axis { window, input, output: input + if input == 3 { 1 } else { 2 } };
    let geometry = Geometry { batch: 2, rows: axis(3), columns: axis(14) };
    for output in 0..3 {
        let case = Case {
            bits: 1,
            shifted: true,
            per_channel: false,
            zero: 205,
            rounded: false,
            addend: 1,
            output,
            threads: 1,
        };
        check_depthwise(geometry, 6, case);
        check_groups(geometry, 1, [6, 6], case);
    }
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(96))]
    #[test]
    fn convolutions_equal_exact_sums_on_every_instruction_set(
        geometry in any_geometry(),
        groups in 1_usize..3,
        in_channels in 1_usize..14,
        out_channels in 1_usize..40,
        case in any_case(),
    ) {
        check_groups(geometry, groups, [in_channels, out_channels], case);
    }

    #[test]
    fn pointwise_and_linear_layers_equal_exact_sums(
        rows in 1_usize..70,
        in_channels in 1_usize..150,
        out_channels in 1_usize..130,
        case in any_case(),
    ) {
        let conv = Conv::linear(rows, in_channels, out_channels);
        check_groups(conv.geometry, 1, [in_channels, out_channels], case);
    }

    #[test]
    fn depthwise_convolutions_equal_exact_sums(
        geometry in any_geometry(),
        channels in 1_usize..50,
        case in any_case(),
    ) {
        check_depthwise(geometry, channels, case);
    }

    #[test]
    fn values_become_the_codes_that_their_grid_gives(
        zero in any::<u8>(),
        step in 0.001_f32..0.1,
        count in 1_usize..40,
        channels in 1_usize..40,
    ) {
        let grid = byte_grid(zero, step, 255);
        let mut x: Vec<f32> =
            values(count * channels, 1).into_iter().map(|value| value * 20.0).collect();
        x[0] = f32::NAN;
        let expected: Vec<u8> = x.iter().map(|x| grid.grid().code(*x) as u8).collect();
        for set in InstructionSet::available() {
            let mut y = vec![77; x.len()];
            let rows = Rows::dense(&x, channels);
            rescale::quantize_with(set, rows, grid, RowsMut::dense(&mut y, channels));
            prop_assert_eq!(&y, &expected);
            let mut back = vec![0.0; x.len()];
            let to = RowsMut::dense(&mut back, channels);
            rescale::dequantize_with(set, Rows::dense(&y, channels), grid, to);
            for (value, code) in back.iter().zip(&y) {
                prop_assert_eq!(*value, (f32::from(*code) - f32::from(zero)) * step);
            }
        }
    }

    #[test]
    fn sums_of_codes_are_nearest_to_the_sums_of_values(
        zeros in any::<[u8; 3]>(),
        count in 1_usize..40,
        channels in 1_usize..40,
        alone in any::<bool>(),
    ) {
        let [a_grid, b_grid, grid] =
            [(0, 0.03, 255), (1, 0.04, 127), (2, 0.06, 250)].map(|(index, step, top)| {
                byte_grid(zeros[index].min(top as u8), step, top)
            });
        let (a, b) = (codes(count * channels, 1, 255), codes(count * channels, 2, 127));
        let value = |code: u8, grid: ByteGrid| {
            f64::from(grid.step()) * (f64::from(code) - f64::from(grid.zero()))
        };
        let mut first: Option<Vec<u8>> = None;
        for set in InstructionSet::available() {
            let mut y = vec![77; a.len()];
            let [a_rows, b_rows] = [&a, &b].map(|codes| Rows::dense(codes, channels));
            let other = (!alone).then_some((b_rows, b_grid));
            let to = (RowsMut::dense(&mut y, channels), grid);
            rescale::add_codes_with(set, (a_rows, a_grid), other, [0.0, 3.0], to);
            for (index, code) in y.iter().enumerate() {
                let mut sum = value(a[index], a_grid);
                if !alone {
                    sum += value(b[index], b_grid);
                }
                let exact = sum.clamp(0.0, 3.0) / f64::from(grid.step()) + f64::from(grid.zero());
                let exact = exact.clamp(0.0, 250.0);
                prop_assert!((f64::from(*code) - exact).abs() <= 0.5 + 1e-4, "{code}, {exact}");
            }
            prop_assert_eq!(first.get_or_insert_with(|| y.clone()), &y);
        }
    }

    #[test]
    fn maxima_and_means_are_those_of_the_values(
        geometry in any_geometry(),
        channels in 1_usize..20,
        zero in any::<u8>(),
    ) {
        let (grid, to) = (byte_grid(zero, 0.1, 255), byte_grid(9, 0.2, 255));
        let x = codes(geometry.input_pixels() * channels, 1, 255);
        let rows = Rows::dense(&x, channels);
        let outputs = geometry.output_pixels() * channels;
        let (mut most, mut sums) = (vec![0_u8; outputs], vec![(0.0, 0.0_f64); outputs]);
        for_each_tap(geometry, |target, source, _| {
            for channel in 0..channels {
                let code = x[source * channels + channel];
                let index = target * channels + channel;
                most[index] = most[index].max(code);
                sums[index].0 += 0.1 * (f64::from(code) - f64::from(zero));
                sums[index].1 += 1.0;
            }
        });
        let mut y = vec![77; outputs];
        max_pool(geometry, rows, RowsMut::dense(&mut y, channels));
        prop_assert_eq!(&y, &most);
        let mut means = vec![0.0; outputs];
        let output = MeanOutput::Values(RowsMut::dense(&mut means, channels));
        avg_pool(geometry, rows, grid, output);
        avg_pool(geometry, rows, grid, MeanOutput::Codes(RowsMut::dense(&mut y, channels), to));
        for (index, (sum, count)) in sums.iter().enumerate() {
            let mean = sum / count.max(1.0);
            prop_assert!((f64::from(means[index]) - mean).abs() < 1e-4);
            let exact = (mean / 0.2 + 9.0).clamp(0.0, 255.0);
            prop_assert!((f64::from(y[index]) - exact).abs() <= 0.5 + 1e-4);
        }
        let mut whole = vec![0.0; geometry.batch * channels];
        mean(rows, grid, MeanOutput::Values(RowsMut::dense(&mut whole, channels)));
        let pixels = geometry.input_pixels() / geometry.batch;
        for (index, mean) in whole.iter().enumerate() {
            let (image, channel) = (index / channels, index % channels);
            let of_pixel = |pixel: usize| f64::from(x[(image * pixels + pixel) * channels + channel]);
            let sum: f64 = (0..pixels).map(of_pixel).sum();
            let exact = 0.1 * (sum / pixels as f64 - f64::from(zero));
            prop_assert!((f64::from(*mean) - exact).abs() < 1e-4);
        }
    }
}

#[test]
fn weights_of_eight_bits_do_not_saturate() {
    // 255 · 127 twice is more than 16 bits hold.
    let conv = Conv::linear(1, 64, 1);
    let grids = [Grid { offset: -128.0, step: 1.0, top: 255 }];
    let layer = QuantizedLayer {
        codes: &[255; 64],
        grids: &grids,
        factors: None,
        bias: None,
        input: byte_grid(0, 1.0, 255),
        before_addend: None,
        addend: AddendKind::None,
        range: [f32::NEG_INFINITY, f32::INFINITY],
        output: OutputKind::Values,
    };
    let packed = PackedConv::new(conv, &layer);
    for set in InstructionSet::available() {
        let mut y = [0.0];
        let output = Output::Values(RowsMut::dense(&mut y, 1));
        packed.run_with(set, 1, Rows::dense(&[255; 64], 64), None, output);
        assert_eq!(y, [64.0 * 255.0 * 127.0], "{set:?}");
    }
}

#[test]
fn channels_of_wider_values_are_read_and_written_in_place() {
    let geometry = Conv::linear(3, 4, 2).geometry;
    let conv = Conv { geometry, in_channels: 4, out_channels: 2 };
    let grids = [Grid { offset: 0.0, step: 1.0, top: 3 }];
    let layer = QuantizedLayer {
        codes: &[1, 0, 0, 2, 0, 1, 1, 0],
        grids: &grids,
        factors: None,
        bias: None,
        input: byte_grid(0, 1.0, 255),
        before_addend: None,
        addend: AddendKind::None,
        range: [f32::NEG_INFINITY, f32::INFINITY],
        output: OutputKind::Codes(byte_grid(0, 1.0, 255)),
    };
    let packed = PackedConv::new(conv, &layer);
    let x: Vec<u8> = (0..18).collect();
    let mut y = [9_u8; 9];
    let output = Output::Codes(RowsMut::strided(&mut y[1..], 3, 2, 3));
    packed.run(3, Rows::strided(&x[1..], 3, 4, 6), None, output);
    assert_eq!(y, [9, 9, 5, 9, 27, 17, 9, 45, 29]);
}

#[test]
fn a_table_is_any_function_between_two_grids() {
    let (from, to) = (byte_grid(128, 0.05, 255), byte_grid(10, 0.02, 255));
    let silu = |x: f32| x / (1.0 + (-x).exp());
    let table = table(from, to.grid(), silu);
    let x: Vec<u8> = (0..=255).collect();
    let mut y = vec![0; 256];
    look_up(Rows::dense(&x, 8), &table, RowsMut::dense(&mut y, 8));
    for (code, found) in x.iter().zip(&y) {
        let value = silu((f32::from(*code) - 128.0) * 0.05);
        assert_eq!(u32::from(*found), to.grid().code(value));
    }
}

#[test]
fn subsampled_shortcuts_have_zero_channels_on_both_sides() {
    let geometry = {
        let conv = Conv::linear(1, 1, 1);
        let window = Window { kernel: 1, stride: 2, dilation: 1, before: 0 };
        let columns = Axis { window, input: 3, output: 2 };
        Geometry { columns, ..conv.geometry }
    };
    let mut y = [0; 6];
    pad_shortcut(geometry, Rows::dense(&[1, 2, 3], 1), 7, RowsMut::dense(&mut y, 3));
    assert_eq!(y, [7, 1, 7, 7, 3, 7]);
}

#[test]
fn planes_become_rows_of_codes() {
    let grid = byte_grid(100, 0.01, 255);
    for (images, channels, pixels) in [(1, 3, 1_300), (3, 1, 17), (2, 5, 600)] {
        let planes = values(images * channels * pixels, 8);
        let mut expected = Vec::new();
        for (image, pixel) in (0..images * pixels).map(|row| (row / pixels, row % pixels)) {
            let at = |channel: usize| (image * channels + channel) * pixels + pixel;
            let codes = (0..channels).map(|channel| grid.grid().code(planes[at(channel)]) as u8);
            expected.extend(codes);
        }
        for set in InstructionSet::available() {
            let mut y = vec![0; planes.len()];
            let rows = RowsMut::dense(&mut y, channels);
            image::quantize_planes_with(set, &planes, images, grid, rows);
            assert_eq!(y, expected, "{set:?}: {images} images of {channels} × {pixels}");
        }
    }
}

#[test]
fn gated_codes_are_nearest_to_the_products() {
    let (x_grid, gate_grid, grid) =
        (byte_grid(31, 0.05, 255), byte_grid(3, 0.004, 255), byte_grid(20, 0.04, 250));
    let (images, pixels, channels) = (3, 7, 37);
    let (x, gates) = (codes(images * pixels * channels, 1, 255), codes(images * channels, 2, 255));
    for set in InstructionSet::available() {
        let mut y = vec![0; x.len()];
        let [x_rows, gate_rows] = [&x, &gates].map(|codes| Rows::dense(codes, channels));
        let to = (RowsMut::dense(&mut y, channels), grid);
        gate::scale_codes_with(set, (x_rows, x_grid), (gate_rows, gate_grid), to);
        for (index, code) in y.iter().enumerate() {
            let gate = gates[index / (pixels * channels) * channels + index % channels];
            let value = 0.05 * (f64::from(x[index]) - 31.0) * 0.004 * (f64::from(gate) - 3.0);
            let exact = (value / 0.04 + 20.0).clamp(0.0, 250.0);
            assert!((f64::from(*code) - exact).abs() <= 0.5 + 1e-4, "{set:?}: {code}, {exact}");
        }
    }
}
