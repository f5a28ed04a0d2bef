//! Sequential scans (T.81, F.1).

use super::plan::{JpegPlan, Scan};
use super::samples::Grid;
use super::scan::{Recorder, magnitude, runs};

pub(super) fn record(plan: &JpegPlan, scan: &Scan, grids: &[Grid], recorder: &mut Recorder) {
    for (number, run) in runs(plan, scan, grids).into_iter().enumerate() {
        if number > 0 {
            recorder.restart();
        }
        let mut predictions = [0; 4];
        for (part, block) in run {
            let table = usize::from(plan.components[scan.components[part]].table);
            let (bits, count) = magnitude(block[0] - predictions[part]);
            predictions[part] = block[0];
            recorder.symbol(table, count as u8, bits, count);
            let mut zeros = 0;
            for value in &block[1..] {
                if *value == 0 {
                    zeros += 1;
                    continue;
                }
                while zeros > 15 {
                    recorder.symbol(2 + table, 0xf0, 0, 0);
                    zeros -= 16;
                }
                let (bits, count) = magnitude(*value);
                recorder.symbol(2 + table, (zeros << 4) | count as u8, bits, count);
                zeros = 0;
            }
            if zeros > 0 {
                recorder.symbol(2 + table, 0, 0, 0);
            }
        }
    }
}
