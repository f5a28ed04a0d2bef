//! What a file is made of.

use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};

/// The make-up of a file, without its picture.
#[derive(Clone, Debug)]
pub struct JpegPlan {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// One, three or four.
    pub components: Vec<Component>,
    /// What the components are.
    pub colours: Colours,
    /// Whether there is a JFIF marker.
    pub is_jfif: bool,
    /// What the Adobe marker says, if there is one.
    pub adobe_transform: Option<u8>,
    /// From 1 (coarse) to 100.
    pub quality: u8,
    /// MCUs between two restart markers; 0 for none.
    pub restart_interval: u16,
    /// Whether coefficients are sent bit by bit.
    pub is_progressive: bool,
    /// The scans, in their order.
    pub scans: Vec<Scan>,
    /// Which Huffman tables there are.
    pub tables: Tables,
    /// Whether there are fill and stray bytes between the segments.
    pub is_loose: bool,
}

/// A component of the frame.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name.
    pub id: u8,
    /// Sampling factor across.
    pub across: u8,
    /// Sampling factor down.
    pub down: u8,
    /// The tables for quantisation and Huffman codes that it has: 0 or 1.
    pub table: u8,
}

/// A scan.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Places in the frame.
    pub components: Vec<usize>,
    /// The first coefficient.
    pub first: u8,
    /// The last coefficient.
    pub last: u8,
    /// The lowest bit that was sent before, 0 if none was.
    pub high: u8,
    /// The lowest bit that is sent now.
    pub low: u8,
}

/// What the components of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// One component.
    Grey,
    /// Luma and chroma.
    YCbCr,
    /// The colours themselves.
    Rgb,
    /// Four inks, inverted.
    Cmyk,
    /// Luma, chroma and black.
    Ycck,
}

/// The Huffman tables of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// Made for each scan.
    Own,
    /// Those of annex K.
    Standard,
    /// Those of annex K, left out of the file as in Motion JPEG.
    LeftOut,
}

impl JpegPlan {
    /// Any file.
    pub fn random(random: &mut ChaCha8Rng) -> Self {
        let side = if random.random_bool(0.2) { 6 } else { 90 };
        let (width, height) = (random.random_range(1..=side), random.random_range(1..=side));
        let colours = match random.random_range(0..12) {
            0..2 => Colours::Grey,
            2..8 => Colours::YCbCr,
            8..10 => Colours::Rgb,
            10 => Colours::Cmyk,
            _ => Colours::Ycck,
        };
        let (ids, is_jfif, adobe_transform) = markers(colours, random);
        let factors = sampling(ids.len(), random);
        let components = ids.into_iter().zip(factors).enumerate().map(|(index, (id, factors))| {
            let table = u8::from(index == 1 || index == 2);
            Component { id, across: factors.0, down: factors.1, table }
        });
        let is_progressive = random.random_bool(0.4);
        let mut plan = Self {
            width,
            height,
            components: components.collect(),
            colours,
            is_jfif,
            adobe_transform,
            quality: random.random_range(20..=100),
            restart_interval: if random.random_bool(0.4) { random.random_range(1..12) } else { 0 },
            is_progressive,
            scans: Vec::new(),
            tables: match random.random_range(0..4) {
                0 if !is_progressive => Tables::Standard,
                1 if !is_progressive => Tables::LeftOut,
                _ => Tables::Own,
            },
            is_loose: random.random_bool(0.3),
        };
        plan.scans = if is_progressive {
            plan.progressive_scans(random)
        } else {
            plan.sequential_scans(random)
        };
        plan
    }

    /// The largest sampling factors.
    pub fn largest_sampling(&self) -> (u8, u8) {
        let across = self.components.iter().map(|component| component.across).max();
        let down = self.components.iter().map(|component| component.down).max();
        (across.unwrap_or(1), down.unwrap_or(1))
    }

    /// The quantisation steps of a table, in the order of the file.
    pub fn steps(&self, table: u8) -> [u16; 64] {
        let coarseness = 101 - u32::from(self.quality);
        let slope = if table == 0 { 1 } else { 2 };
        std::array::from_fn(|at| (1 + coarseness * (8 + slope * at as u32) / 60).min(255) as u16)
    }

    /// All components in any order and any groups, as far as an MCU may hold them.
    fn groups(&self, random: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.components.len()).collect();
        if random.random_bool(0.5) {
            order.shuffle(random);
        }
        let keeps_together = random.random_bool(0.5);
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for index in order {
            let blocks = |index: &usize| {
                let component = &self.components[*index];
                component.across * component.down
            };
            let fits = groups
                .last()
                .is_some_and(|group| group.iter().chain([&index]).map(blocks).sum::<u8>() <= 10);
            match groups.last_mut() {
                Some(group) if fits && (keeps_together || random.random_bool(0.5)) => {
                    group.push(index);
                }
                _ => groups.push(vec![index]),
            }
        }
        // Inside a scan they stand as in the frame (T.81, B.2.3).
        for group in &mut groups {
            group.sort_unstable();
        }
        groups
    }

    fn sequential_scans(&self, random: &mut ChaCha8Rng) -> Vec<Scan> {
        let groups = self.groups(random).into_iter();
        groups.map(|components| Scan { components, first: 0, last: 63, high: 0, low: 0 }).collect()
    }

    /// Chains of scans, each from the first bits to the last one, in any order that keeps the order
    /// inside the chains and sends DC first.
    fn progressive_scans(&self, random: &mut ChaCha8Rng) -> Vec<Scan> {
        let mut scans = Vec::new();
        let mut chains: Vec<Vec<Scan>> = Vec::new();
        let low = random.random_range(0..3);
        for components in self.groups(random) {
            scans.push(Scan { components, first: 0, last: 0, high: 0, low });
        }
        for high in (1..=low).rev() {
            let refined = self.groups(random).into_iter();
            let refined = refined.map(|components| Scan {
                components,
                first: 0,
                last: 0,
                high,
                low: high - 1,
            });
            // Refinements of DC follow each other by bit, whatever their groups are.
            match chains.first_mut() {
                Some(chain) => chain.extend(refined),
                None => chains.push(refined.collect()),
            }
        }
        for index in 0..self.components.len() {
            let mut first = 1;
            while first < 64 {
                let last = match random.random_range(0..3) {
                    0 => 63,
                    1 => random.random_range(first..64),
                    _ => (first + random.random_range(0..8)).min(63),
                };
                let low = random.random_range(0..3);
                let scan = |high, low| Scan { components: vec![index], first, last, high, low };
                let mut chain = vec![scan(0, low)];
                chain.extend((1..=low).rev().map(|high| scan(high, high - 1)));
                chains.push(chain);
                first = last + 1;
            }
        }
        let mut chains: Vec<_> =
            chains.into_iter().map(|chain| chain.into_iter().peekable()).collect();
        while !chains.is_empty() {
            let at = random.random_range(0..chains.len());
            scans.extend(chains[at].next());
            chains.retain_mut(|chain| chain.peek().is_some());
        }
        scans
    }
}

/// The names of the components, and the markers that go with them.
fn markers(colours: Colours, random: &mut ChaCha8Rng) -> (Vec<u8>, bool, Option<u8>) {
    match colours {
        Colours::Grey => (vec![1], random.random_bool(0.5), None),
        Colours::YCbCr => match random.random_range(0..4) {
            0 => (vec![1, 2, 3], false, None),
            1 => (vec![0, 1, 2], false, Some(1)),
            _ => (vec![1, 2, 3], true, None),
        },
        Colours::Rgb => match random.random_range(0..2) {
            0 => (b"RGB".to_vec(), false, None),
            _ => (vec![1, 2, 3], false, Some(0)),
        },
        Colours::Cmyk => (b"CMYK".to_vec(), false, [None, Some(0)][random.random_range(0..2)]),
        Colours::Ycck => (vec![1, 2, 3, 4], false, Some(2)),
    }
}

/// Sampling factors that divide each other: the usual ones or any.
fn sampling(count: usize, random: &mut ChaCha8Rng) -> Vec<(u8, u8)> {
    const USUAL: [(u8, u8); 5] = [(1, 1), (2, 1), (2, 2), (1, 2), (4, 1)];
    if random.random_bool(0.5) {
        let first = USUAL.choose(random).copied().unwrap_or((1, 1));
        let mut factors = vec![(1, 1); count];
        factors[0] = first;
        if let Some(black) = factors.get_mut(3) {
            *black = first;
        }
        return factors;
    }
    let mut factor = |largest: u8| match largest {
        4 => [1, 2, 4][random.random_range(0..3)],
        3 => [1, 3][random.random_range(0..2)],
        2 => random.random_range(1..=2),
        _ => 1,
    };
    let (across, down) = (factor(4).max(factor(3)), factor(4).max(factor(3)));
    (0..count).map(|_| (factor(across), factor(down))).collect()
}
