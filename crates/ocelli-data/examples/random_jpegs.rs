//! Random JPEG files of every kind, and what Ocelli makes of them, for
//! `bench/peers/jpeg_differential.py`.
//!
//! ```sh
//! cargo run --release -p ocelli-data --example random_jpegs -- FOLDER COUNT [FIRST]
//! ```
//!
//! Writes FOLDER/N.jpg, and FOLDER/N.rgb with its pixels or FOLDER/N.error with the message.

use ocelli_data::{DecodeOptions, decode};
use ocelli_random::{Purpose, Seed};
use ocelli_testkit::jpeg::{JpegPlan, write};
use std::path::Path;

const USAGE: &str = "usage: random_jpegs FOLDER COUNT [FIRST]";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or(USAGE)?;
    let count: u64 = arguments.next().ok_or(USAGE)?.parse()?;
    let first: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    for number in first..first + count {
        let mut random = Seed(0).stream(Purpose("random jpeg"), 0, number);
        let plan = JpegPlan::random(&mut random);
        let bytes = write(&plan, &mut random);
        let path = Path::new(&folder).join(format!("{number}.jpg"));
        std::fs::write(&path, &bytes)?;
        match decode(&bytes, &DecodeOptions::default()) {
            Ok(image) => std::fs::write(path.with_extension("rgb"), image.pixels)?,
            Err(error) => std::fs::write(path.with_extension("error"), error.to_string())?,
        }
    }
    Ok(())
}
