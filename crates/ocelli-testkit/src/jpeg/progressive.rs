//! Progressive scans (T.81, G.1).

use super::plan::{JpegPlan, Scan};
use super::samples::Grid;
use super::scan::{Block, Recorder, magnitude, runs};
use ocelli_random::ChaCha8Rng;
use rand::RngExt;

pub(super) fn record(
    plan: &JpegPlan,
    scan: &Scan,
    grids: &[Grid],
    recorder: &mut Recorder,
    random: &mut ChaCha8Rng,
) {
    for (number, run) in runs(plan, scan, grids).into_iter().enumerate() {
        if number > 0 {
            recorder.restart();
        }
        match (scan.first, scan.high) {
            (0, 0) => record_dc(plan, scan, &run, recorder),
            (0, _) => run
                .iter()
                .for_each(|(_, block)| recorder.bits((block[0] >> scan.low) as u32 & 1, 1)),
            _ => {
                let slot = 2 + usize::from(plan.components[scan.components[0]].table);
                let mut band = Band { slot, recorder, blocks_without: 0, later: Vec::new() };
                for (_, block) in run {
                    let coefficients: Vec<i32> = block
                        [usize::from(scan.first)..=usize::from(scan.last)]
                        .iter()
                        .map(|value| value.signum() * (value.abs() >> scan.low))
                        .collect();
                    if scan.high == 0 {
                        band.record(&coefficients);
                    } else {
                        band.refine(&coefficients);
                    }
                    // No encoder ends a run of such blocks for nothing, but it may.
                    if random.random_bool(0.1) {
                        band.end();
                    }
                }
                band.end();
            }
        }
    }
}

fn record_dc(plan: &JpegPlan, scan: &Scan, run: &[Block<'_>], recorder: &mut Recorder) {
    let mut predictions = [0; 4];
    for (part, block) in run {
        let table = usize::from(plan.components[scan.components[*part]].table);
        let value = block[0] >> scan.low;
        let (bits, count) = magnitude(value - predictions[*part]);
        predictions[*part] = value;
        recorder.symbol(table, count as u8, bits, count);
    }
}

/// A band of coefficients, block by block.
struct Band<'a> {
    slot: usize,
    recorder: &'a mut Recorder,
    /// Blocks whose band has no new coefficient any more.
    blocks_without: u32,
    /// Bits of known coefficients of these blocks, which follow the number of blocks.
    later: Vec<u32>,
}

impl Band<'_> {
    /// The first bits.
    fn record(&mut self, coefficients: &[i32]) {
        let mut zeros = 0;
        for value in coefficients {
            if *value == 0 {
                zeros += 1;
                continue;
            }
            self.end();
            while zeros > 15 {
                self.recorder.symbol(self.slot, 0xf0, 0, 0);
                zeros -= 16;
            }
            let (bits, count) = magnitude(*value);
            self.recorder.symbol(self.slot, (zeros << 4) | count as u8, bits, count);
            zeros = 0;
        }
        if zeros > 0 {
            self.add_block_without(&[]);
        }
    }

    /// One more bit.
    fn refine(&mut self, coefficients: &[i32]) {
        let last_new = coefficients.iter().rposition(|value| value.abs() == 1);
        let (mut zeros, mut known) = (0, Vec::new());
        for (at, value) in coefficients.iter().enumerate() {
            if *value == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 && last_new.is_some_and(|last| at <= last) {
                self.end();
                self.recorder.symbol(self.slot, 0xf0, 0, 0);
                self.put(&std::mem::take(&mut known));
                zeros -= 16;
            }
            if value.abs() > 1 {
                known.push(value.unsigned_abs() & 1);
                continue;
            }
            self.end();
            self.recorder.symbol(self.slot, zeros << 4 | 1, u32::from(*value > 0), 1);
            self.put(&std::mem::take(&mut known));
            zeros = 0;
        }
        if zeros > 0 || !known.is_empty() {
            self.add_block_without(&known);
        }
    }

    fn add_block_without(&mut self, known: &[u32]) {
        self.blocks_without += 1;
        self.later.extend(known);
        if self.blocks_without == 0x7fff {
            self.end();
        }
    }

    /// Writes how many blocks have nothing new.
    fn end(&mut self) {
        if self.blocks_without > 0 {
            let size = self.blocks_without.ilog2();
            self.recorder.symbol(self.slot, (size as u8) << 4, self.blocks_without, size);
            self.blocks_without = 0;
        }
        let later = std::mem::take(&mut self.later);
        self.put(&later);
    }

    fn put(&mut self, bits: &[u32]) {
        for bit in bits {
            self.recorder.bits(*bit, 1);
        }
    }
}
