use super::*;
use crate::testing::{assert_close, values};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn products_equal_the_naive_sums(
        rows in 0_usize..30, depth in 0_usize..40, columns in 1_usize..70, gap in 0_usize..3,
        accumulate: bool,
    ) {
        let stride = columns + gap;
        let (a, b) = (values(rows * depth, 1), values(depth * columns, 2));
        let start = values(rows * stride, 3);
        let expected: Vec<f64> = (0..rows * stride).map(|i| {
            let (row, column) = (i / stride, i % stride);
            let old = f64::from(start[i]);
            if column >= columns { return old; }
            let sum: f64 = (0..depth)
                .map(|k| f64::from(a[row * depth + k]) * f64::from(b[k * columns + column]))
                .sum();
            sum + if accumulate { old } else { 0.0 }
        }).collect();

        let mut packed = vec![7.0; packed_len(depth, columns)];
        let panels = pack_panels(depth, columns, &mut packed, |range, panel| {
            (0..depth).for_each(|row| {
                panel.row_mut(row).copy_from_slice(&b[row * columns..][range.clone()]);
            });
        });
        let mut c = start.clone();
        let a_rows = Rows::strided(&a, rows, depth, depth);
        multiply(a_rows, panels, RowsMut::strided(&mut c, rows, columns, stride), accumulate);
        assert_close(&c, &expected);

        let b_transposed: Vec<f32> =
            (0..depth * columns).map(|i| b[i % depth * columns + i / depth]).collect();
        let mut packed = vec![7.0; packed_len(depth, columns)];
        let panels = pack_transposed(Rows::strided(&b_transposed, columns, depth, depth), &mut packed);
        let mut c = start.clone();
        multiply(a_rows, panels, RowsMut::strided(&mut c, rows, columns, stride), accumulate);
        assert_close(&c, &expected);
    }
}

#[test]
fn deep_products_are_summed_over_all_blocks() {
    let depth = 2 * DEPTH_BLOCK + 3;
    let (a, b) = (vec![1.0; 2 * depth], vec![1.0; depth]);
    let mut packed = vec![0.0; packed_len(depth, 1)];
    let panels = pack_transposed(Rows::dense(&b, depth), &mut packed);
    let mut c = [0.5; 2];
    multiply(Rows::dense(&a, depth), panels, RowsMut::dense(&mut c, 1), false);
    assert_eq!(c, [depth as f32; 2]);
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn transposed_products_are_the_naive_sums(
        depth in 0_usize..400, rows in 1_usize..30, columns in 1_usize..70, gap in 0_usize..3,
        accumulate in prop::bool::ANY,
    ) {
        let (a, b) = (values(depth * (rows + gap), 1), values(depth * (columns + gap), 2));
        let a_rows = Rows::strided(&a, depth, rows, rows + gap);
        let b_rows = Rows::strided(&b, depth, columns, columns + gap);
        let mut c = values(rows * columns, 3);
        let expected: Vec<f64> = (c.iter().enumerate())
            .map(|(index, old)| {
                let (row, column) = (index / columns, index % columns);
                let product = |step: usize| {
                    f64::from(a_rows.row(step)[row]) * f64::from(b_rows.row(step)[column])
                };
                let old = if accumulate { f64::from(*old) } else { 0.0 };
                old + (0..depth).map(product).sum::<f64>()
            })
            .collect();
        multiply_transposed(a_rows, b_rows, RowsMut::dense(&mut c, columns), accumulate);
        assert_close(&c, &expected);
    }
}
