//! A decoder written from the standard, to compare with: bit by bit, with the inverse DCT as it is
//! defined, in floating point and without any rounding before the last one.
//!
//! It reads what the writer of the testkit writes and does not look for damage.

use std::collections::HashMap;
use std::f64::consts::PI;

/// Width, height, and red, green and blue of each pixel.
pub(super) fn decode(bytes: &[u8]) -> (usize, usize, Vec<[f64; 3]>) {
    let mut file = File::default();
    // What Motion JPEG leaves out; other files define their own.
    for (index, number) in [(0, 0), (1, 1), (4, 16), (5, 17)] {
        let table = super::super::standard_tables::at(index).unwrap();
        file.read_huffman(&[&[number][..], table].concat());
    }
    let mut at = 2;
    loop {
        while bytes[at] != 0xff || matches!(bytes[at + 1], 0 | 0xff) {
            at += 1;
        }
        let marker = bytes[at + 1];
        if marker == 0xd9 {
            break;
        }
        let length = usize::from(bytes[at + 2]) << 8 | usize::from(bytes[at + 3]);
        let content = &bytes[at + 4..at + 2 + length];
        at += 2 + length;
        match marker {
            0xc0..=0xc2 => file.read_frame(marker == 0xc2, content),
            0xc4 => file.read_huffman(content),
            0xda => at += file.read_scan(content, &bytes[at..]),
            0xdb => file.steps[usize::from(content[0])] = content[1..].to_vec(),
            0xdd => file.interval = usize::from(content[0]) << 8 | usize::from(content[1]),
            0xe0 => file.is_jfif = true,
            0xee => file.adobe = Some(content[11]),
            _ => {}
        }
    }
    file.pixels()
}

#[derive(Default)]
struct File {
    width: usize,
    height: usize,
    is_progressive: bool,
    components: Vec<Component>,
    steps: [Vec<u8>; 4],
    /// By class, number, length and code.
    codes: HashMap<(u8, u8, u32, u32), u8>,
    interval: usize,
    is_jfif: bool,
    adobe: Option<u8>,
}

struct Component {
    id: u8,
    across: usize,
    down: usize,
    steps: usize,
    /// Blocks from row to row.
    stride: usize,
    /// In the order of the file.
    blocks: Vec<[i32; 64]>,
}

impl File {
    fn read_frame(&mut self, is_progressive: bool, content: &[u8]) {
        self.is_progressive = is_progressive;
        self.height = usize::from(content[1]) << 8 | usize::from(content[2]);
        self.width = usize::from(content[3]) << 8 | usize::from(content[4]);
        let parts: Vec<&[u8]> = content[6..].chunks(3).collect();
        let factor = |part: &[u8], shift: u8| usize::from(part[1] >> shift & 15);
        let across = parts.iter().map(|part| factor(part, 4)).max().unwrap();
        let down = parts.iter().map(|part| factor(part, 0)).max().unwrap();
        let (columns, rows) = (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down));
        self.components = parts
            .iter()
            .map(|part| {
                let (across, down) = (factor(part, 4), factor(part, 0));
                let stride = columns * across;
                let blocks = vec![[0; 64]; stride * rows * down];
                Component { id: part[0], across, down, steps: part[2].into(), stride, blocks }
            })
            .collect();
    }

    fn read_huffman(&mut self, content: &[u8]) {
        let (class, number) = (content[0] >> 4, content[0] & 15);
        self.codes.retain(|key, _| (key.0, key.1) != (class, number));
        let mut symbols = content[17..].iter();
        let mut code = 0;
        for (length, count) in (1..).zip(&content[1..17]) {
            for symbol in symbols.by_ref().take((*count).into()) {
                self.codes.insert((class, number, length, code), *symbol);
                code += 1;
            }
            code <<= 1;
        }
    }

    fn largest(&self) -> (usize, usize) {
        let across = self.components.iter().map(|component| component.across).max().unwrap();
        (across, self.components.iter().map(|component| component.down).max().unwrap())
    }

    /// Samples of a component that belong to the picture.
    fn size(&self, component: &Component) -> (usize, usize) {
        let (across, down) = self.largest();
        let width = (self.width * component.across).div_ceil(across);
        (width, (self.height * component.down).div_ceil(down))
    }

    /// Returns the length of the data.
    fn read_scan(&mut self, header: &[u8], data: &[u8]) -> usize {
        let parts: Vec<(usize, u8, u8)> = header[1..header.len() - 3]
            .chunks(2)
            .map(|part| {
                let index = self.components.iter().position(|component| component.id == part[0]);
                (index.unwrap(), part[1] >> 4, part[1] & 15)
            })
            .collect();
        let band = &header[header.len() - 3..];
        let band = Band {
            first: band[0].into(),
            last: band[1].into(),
            is_first: band[2] >> 4 == 0,
            low: (band[2] & 15).into(),
        };
        let mcus = self.mcus(&parts);
        let mut bits = Bits { data, at: 0, left: 0, passed: 0 };
        let interval = if self.interval == 0 { mcus.len() } else { self.interval };
        let mut components = std::mem::take(&mut self.components);
        for (number, run) in mcus.chunks(interval).enumerate() {
            if number > 0 {
                bits.pass_restart();
            }
            let (mut predictions, mut ends) = ([0; 4], 0);
            for (part, block) in run.iter().flatten() {
                let (index, dc, ac) = parts[*part];
                let block = &mut components[index].blocks[*block];
                let mut reader = Reader { codes: &self.codes, bits: &mut bits };
                if !self.is_progressive {
                    reader.sequential(block, dc, ac, &mut predictions[*part]);
                } else if band.first == 0 {
                    reader.dc(block, dc, &band, &mut predictions[*part]);
                } else if band.is_first {
                    reader.ac(block, ac, &band, &mut ends);
                } else {
                    reader.refine(block, ac, &band, &mut ends);
                }
            }
        }
        self.components = components;
        bits.end()
    }

    /// For each MCU of a scan: the part of the scan and the block of each of its blocks.
    fn mcus(&self, parts: &[(usize, u8, u8)]) -> Vec<Vec<(usize, usize)>> {
        if let [(index, ..)] = parts {
            let component = &self.components[*index];
            let (width, height) = self.size(component);
            let (columns, rows) = (width.div_ceil(8), height.div_ceil(8));
            let blocks =
                (0..rows * columns).map(|at| at / columns * component.stride + at % columns);
            return blocks.map(|block| vec![(0, block)]).collect();
        }
        let (across, down) = self.largest();
        let (columns, rows) = (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down));
        (0..rows * columns)
            .map(|at| {
                let (row, column) = (at / columns, at % columns);
                let mut mcu = Vec::new();
                for (part, (index, ..)) in parts.iter().enumerate() {
                    let component = &self.components[*index];
                    for y in 0..component.down {
                        for x in 0..component.across {
                            let first = (row * component.down + y) * component.stride;
                            mcu.push((part, first + column * component.across + x));
                        }
                    }
                }
                mcu
            })
            .collect()
    }

    fn pixels(&self) -> (usize, usize, Vec<[f64; 3]>) {
        let planes: Vec<Plane> =
            self.components.iter().map(|component| self.plane(component)).collect();
        let ids: Vec<u8> = self.components.iter().map(|component| component.id).collect();
        let is_rgb = !self.is_jfif
            && ids.len() == 3
            && (self.adobe == Some(0) || self.adobe.is_none() && ids == b"RGB");
        let mut pixels = Vec::new();
        for (y, x) in (0..self.height).flat_map(|y| (0..self.width).map(move |x| (y, x))) {
            let values: Vec<f64> = planes.iter().map(|plane| plane.at(x, y)).collect();
            pixels.push(match values[..] {
                [grey] => [grey; 3],
                [red, green, blue] if is_rgb => [red, green, blue],
                [luma, blue, red] => rgb(luma, blue, red),
                [first, second, third, black] => {
                    let mut inks = [first, second, third];
                    if self.adobe == Some(2) {
                        inks = rgb(first, second, third).map(|value| 255.0 - value);
                    }
                    inks.map(|ink| ink * black / 255.0)
                }
                _ => unreachable!(),
            });
        }
        (self.width, self.height, pixels)
    }

    fn plane(&self, component: &Component) -> Plane {
        let (width, height) = self.size(component);
        let (across, down) = self.largest();
        let mut samples = vec![0.0; component.blocks.len() * 64];
        let stride = 8 * component.stride;
        for (at, block) in component.blocks.iter().enumerate() {
            let (top, left) = (at / component.stride * 8, at % component.stride * 8);
            for (index, sample) in inverse(block, &self.steps[component.steps]).iter().enumerate() {
                samples[(top + index / 8) * stride + left + index % 8] = *sample;
            }
        }
        let scale = (across / component.across, down / component.down);
        Plane { samples, stride, width, height, scale }
    }
}

struct Plane {
    samples: Vec<f64>,
    stride: usize,
    width: usize,
    height: usize,
    scale: (usize, usize),
}

impl Plane {
    /// The value at a pixel of the picture: on straight lines between samples that are doubled, of
    /// the nearest sample otherwise.
    fn at(&self, x: usize, y: usize) -> f64 {
        let is_smooth = match self.scale {
            (2, 1 | 2) => self.width > 2,
            (1, 2) => true,
            _ => false,
        };
        let weights = |at: usize, scale: usize, len: usize| {
            let near = at / scale;
            if !is_smooth || scale == 1 {
                return [(near, 1.0), (near, 0.0)];
            }
            let far =
                if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(len - 1) };
            [(near, 0.75), (far, 0.25)]
        };
        let rows = weights(y, self.scale.1, self.height);
        let columns = weights(x, self.scale.0, self.width);
        let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        pairs.map(|((y, p), (x, q))| p * q * self.samples[y * self.stride + x]).sum()
    }
}

fn rgb(luma: f64, blue: f64, red: f64) -> [f64; 3] {
    let (blue, red) = (blue - 128.0, red - 128.0);
    [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue]
        .map(|value| value.clamp(0.0, 255.0))
}

/// T.81, A.3.3, row by row.
fn inverse(block: &[i32; 64], steps: &[u8]) -> [f64; 64] {
    let norm = |frequency| if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
    let waves: [[f64; 8]; 8] = std::array::from_fn(|at| {
        std::array::from_fn(|frequency| {
            norm(frequency) * ((2 * at + 1) as f64 * frequency as f64 * PI / 16.0).cos()
        })
    });
    let mut values = [[0.0; 8]; 8];
    for (at, index) in ZIGZAG.iter().enumerate() {
        values[index / 8][index % 8] = f64::from(block[at]) * f64::from(steps[at]);
    }
    let across: [[f64; 8]; 8] = std::array::from_fn(|v| {
        std::array::from_fn(|x| (0..8).map(|u| values[v][u] * waves[x][u]).sum())
    });
    std::array::from_fn(|at| {
        let sum: f64 = (0..8).map(|v| across[v][at % 8] * waves[at / 8][v]).sum();
        (sum / 4.0 + 128.0).clamp(0.0, 255.0)
    })
}

#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10,
    17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34,
    27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46,
    53, 60, 61, 54, 47, 55, 62, 63,
];

struct Band {
    first: usize,
    last: usize,
    is_first: bool,
    low: u32,
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    left: u32,
    /// Bytes of runs that are over.
    passed: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> u32 {
        if self.left == 0 {
            self.left = 8;
            self.at += if self.at > 0 && self.data[self.at - 1] == 0xff { 2 } else { 1 };
        }
        self.left -= 1;
        u32::from(self.data[self.at - 1] >> self.left & 1)
    }

    fn bits(&mut self, count: u32) -> i32 {
        (0..count).fold(0, |value, _| value << 1 | self.bit() as i32)
    }

    /// A number as its magnitude category and extra bits say (T.81, F.2.2.1).
    fn extended(&mut self, count: u32) -> i32 {
        let value = self.bits(count);
        if count > 0 && value < 1 << (count - 1) { value - (1 << count) + 1 } else { value }
    }

    /// Past a last stuffed zero.
    fn end(&self) -> usize {
        self.passed + self.at + usize::from(self.at > 0 && self.data[self.at - 1] == 0xff)
    }

    fn pass_restart(&mut self) {
        let end = self.end() + 2;
        self.data = &self.data[end - self.passed..];
        (self.passed, self.at, self.left) = (end, 0, 0);
    }
}

struct Reader<'a, 'b> {
    codes: &'a HashMap<(u8, u8, u32, u32), u8>,
    bits: &'a mut Bits<'b>,
}

impl Reader<'_, '_> {
    fn symbol(&mut self, class: u8, number: u8) -> u8 {
        let mut code = 0;
        for length in 1..=16 {
            code = code << 1 | self.bits.bit();
            if let Some(symbol) = self.codes.get(&(class, number, length, code)) {
                return *symbol;
            }
        }
        panic!("no code")
    }

    fn sequential(&mut self, block: &mut [i32; 64], dc: u8, ac: u8, prediction: &mut i32) {
        let size = self.symbol(0, dc).into();
        *prediction += self.bits.extended(size);
        block[0] = *prediction;
        let mut at = 1;
        while at < 64 {
            let symbol = self.symbol(1, ac);
            let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if symbol == 0 {
                break;
            }
            at += zeros;
            block[at] = self.bits.extended(size);
            at += 1;
        }
    }

    fn dc(&mut self, block: &mut [i32; 64], dc: u8, band: &Band, prediction: &mut i32) {
        if band.is_first {
            let size = self.symbol(0, dc).into();
            *prediction += self.bits.extended(size);
            block[0] = *prediction << band.low;
        } else {
            block[0] |= self.bits.bits(1) << band.low;
        }
    }

    fn ac(&mut self, block: &mut [i32; 64], ac: u8, band: &Band, ends: &mut i32) {
        if *ends > 0 {
            *ends -= 1;
            return;
        }
        let mut at = band.first;
        while at <= band.last {
            let symbol = self.symbol(1, ac);
            let (zeros, size) = (symbol >> 4, u32::from(symbol & 15));
            if size == 0 && zeros < 15 {
                *ends = (1 << zeros) + self.bits.bits(zeros.into()) - 1;
                return;
            }
            at += usize::from(zeros);
            block[at] = self.bits.extended(size) << band.low;
            at += 1;
        }
    }

    fn refine(&mut self, block: &mut [i32; 64], ac: u8, band: &Band, ends: &mut i32) {
        let mut at = band.first;
        while at <= band.last {
            // How many zeros to pass, and what stands after them; without end when the band ends.
            let (mut zeros, mut new) = (64, 0);
            if *ends == 0 {
                let symbol = self.symbol(1, ac);
                match (symbol >> 4, symbol & 15) {
                    (size @ 0..15, 0) => *ends = (1 << size) + self.bits.bits(size.into()),
                    (15, 0) => zeros = 15,
                    (before, _) => {
                        zeros = before;
                        new = if self.bits.bit() == 1 { 1 } else { -1 };
                    }
                }
            }
            while at <= band.last {
                let value = &mut block[at];
                at += 1;
                if *value != 0 {
                    *value += value.signum() * (self.bits.bits(1) << band.low);
                } else if zeros > 0 {
                    zeros -= 1;
                } else {
                    *value = new << band.low;
                    break;
                }
            }
        }
        if *ends > 0 {
            *ends -= 1;
        }
    }
}
