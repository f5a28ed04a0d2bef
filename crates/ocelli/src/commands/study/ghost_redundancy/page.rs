//! A study as a page with the maps.

use ocelli::methods::ghost_redundancy::Study;
use ocelli::report::{Cell, FRAME_COLOURS, Mosaic, Page, Table, Tile};

use super::sheet::Sheet;
use crate::output::percent;

/// How many maps are side by side.
const COLUMNS: usize = 16;

/// The maps of the first image, pairs in frames of one colour.
pub(super) fn mosaic(study: &Study) -> Mosaic {
    let [count, height, width] = study.shape;
    let pair =
        |map: usize| study.pairs.iter().position(|pair| pair.source == map || pair.target == map);
    let frame = |map| pair(map).filter(|pair| *pair < FRAME_COLOURS.len());
    let tile = |map| Tile { values: study.first.map(map).to_vec(), frame: frame(map) };
    Mosaic { height, width, columns: COLUMNS, tiles: (0..count).map(tile).collect() }
}

/// The page, with `png` as the picture of the maps.
pub(super) fn new(sheet: &Sheet, png: &[u8]) -> Page {
    let mut page = Page::new("Redundancy in feature maps", &sheet.subject());
    let redundant = sheet.study.redundancy.iter();
    let headlines: Vec<_> = redundant
        .map(|found| (format!("redundant, d = {}", found.kernel), percent(found.share)))
        .collect();
    page.headlines(&headlines);
    page.section("Maps of the first image")
        .paragraph(
            "Numbered from the left and from the top, from zero; the least value of each is \
             black, the greatest white. Frames of one colour are a similar pair.",
        )
        .picture(png, "feature maps, similar pairs framed in one colour");
    page.section("Similar pairs").paragraph(
        "The most correlated over all images. A filter of d×d makes the target of the source: \
         its mean squared error, and what that leaves of the target's variance.",
    );
    let (heads, rows) = sheet.pairs();
    let colours = FRAME_COLOURS.iter().map(|(name, _)| *name).chain(std::iter::repeat(""));
    let rows = rows.into_iter().zip(colours).map(|(row, colour)| {
        let cells = row.into_iter().map(Cell::Number);
        std::iter::once(Cell::Text(colour.to_owned())).chain(cells).collect()
    });
    let head = std::iter::once("frame".to_owned()).chain(heads).collect();
    page.table(&Table { head, rows: rows.collect() });
    page.section("Redundancy").paragraph(&format!(
        "A map is redundant if the best filter over any other map leaves less than {} of its \
         variance. Maps that are constant on an image do not count.",
        percent(sheet.threshold)
    ));
    let (head, rows) = sheet.redundancy();
    let rows = rows.into_iter().map(|row| row.into_iter().map(Cell::Number).collect());
    page.table(&Table { head, rows: rows.collect() });
    page
}
