//! A writer of JPEG files of every kind that a decoder should read: any sampling, any script of
//! sequential or progressive scans, restart markers, grey, YCbCr, RGB, CMYK and YCCK (T.81).
//!
//! It is made for tests: slow, plain, and free to do what no encoder would.

mod huffman;
mod plan;
mod progressive;
mod samples;
mod scan;
mod sequential;

pub use plan::{Colours, Component, JpegPlan, Scan, Tables};

use huffman::Definition;
use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use samples::Grid;
use scan::Recorder;

/// The file that `plan` describes, with a random picture.
pub fn write(plan: &JpegPlan, random: &mut ChaCha8Rng) -> Vec<u8> {
    let grids: Vec<Grid> =
        (0..plan.components.len()).map(|index| Grid::random(plan, index, random)).collect();
    let mut file = vec![0xff, 0xd8];
    write_colours(plan, &mut file);
    for table in 0..2 {
        let mut content = vec![table];
        content.extend(plan.steps(table).map(|step| step as u8));
        write_segment(&mut file, 0xdb, &content, plan, random);
    }
    write_frame(plan, &mut file, random);
    if plan.restart_interval > 0 {
        let interval = plan.restart_interval.to_be_bytes();
        write_segment(&mut file, 0xdd, &interval, plan, random);
    }
    if plan.tables == Tables::Standard {
        for (slot, definition) in Definition::standard().into_iter().enumerate() {
            let content = definition.segment(slot as u8 % 2, slot >= 2);
            write_segment(&mut file, 0xc4, &content, plan, random);
        }
    }
    for scan in &plan.scans {
        write_scan(plan, scan, &grids, &mut file, random);
    }
    file.extend([0xff, 0xd9]);
    file
}

/// JFIF, Adobe, or nothing.
fn write_colours(plan: &JpegPlan, file: &mut Vec<u8>) {
    if plan.is_jfif {
        file.extend([0xff, 0xe0, 0, 16]);
        file.extend(b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    }
    if let Some(transform) = plan.adobe_transform {
        file.extend([0xff, 0xee, 0, 14]);
        file.extend(b"Adobe\0\x64\0\0\0\0");
        file.push(transform);
    }
}

fn write_frame(plan: &JpegPlan, file: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    let mut content = vec![8];
    content.extend(plan.height.to_be_bytes());
    content.extend(plan.width.to_be_bytes());
    content.push(plan.components.len() as u8);
    for component in &plan.components {
        let Component { id, across, down, table } = *component;
        content.extend([id, across << 4 | down, table]);
    }
    let marker = if plan.is_progressive { 0xc2 } else { 0xc0 | random.random_range(0..2) };
    write_segment(file, marker, &content, plan, random);
}

fn write_scan(
    plan: &JpegPlan,
    scan: &Scan,
    grids: &[Grid],
    file: &mut Vec<u8>,
    random: &mut ChaCha8Rng,
) {
    let mut recorder = Recorder::new();
    if plan.is_progressive {
        progressive::record(plan, scan, grids, &mut recorder, random);
    } else {
        sequential::record(plan, scan, grids, &mut recorder);
    }
    let definitions = recorder.definitions(plan.tables, random);
    if plan.tables == Tables::Own {
        for (slot, definition) in definitions.iter().enumerate() {
            if let Some(definition) = definition {
                let content = definition.segment(slot as u8 % 2, slot >= 2);
                write_segment(file, 0xc4, &content, plan, random);
            }
        }
    }
    let mut content = vec![scan.components.len() as u8];
    for index in &scan.components {
        let component = &plan.components[*index];
        content.extend([component.id, component.table << 4 | component.table]);
    }
    content.extend([scan.first, scan.last, scan.high << 4 | scan.low]);
    write_segment(file, 0xda, &content, plan, random);
    recorder.write(&definitions, file);
}

/// A segment, in a loose plan with fill or stray bytes before it.
fn write_segment(
    file: &mut Vec<u8>,
    marker: u8,
    content: &[u8],
    plan: &JpegPlan,
    random: &mut ChaCha8Rng,
) {
    // Three bytes are what a JPEG is told by.
    if plan.is_loose && file.len() > 2 {
        match random.random_range(0..8) {
            0 => file.extend([0xff; 3]),
            1 => file.extend([0, 0]),
            2 => file.extend([0xff, 0xfe, 0, 5, b'?', 0xff, 0xd9]),
            _ => {}
        }
    }
    file.extend([0xff, marker]);
    file.extend((content.len() as u16 + 2).to_be_bytes());
    file.extend(content);
}
