//! A quantization as a page: size, result, and which layer hurts.

use ocelli::report::{BarPlot, Cell, Page, ReportError, Table};

use super::result::QuantizeJson;
use crate::output::{grouped, percent};

/// The page.
///
/// # Errors
/// When a figure cannot be drawn.
pub(super) fn new(json: &QuantizeJson<'_>) -> Result<Page, ReportError> {
    let mut page = Page::new("A network of few bits", json.model);
    page.headlines(&[
        ("bits per weight".to_owned(), format!("{:.2}", json.bits)),
        ("bytes".to_owned(), grouped(json.bytes)),
        ("times smaller".to_owned(), format!("{:.1}", json.ratio())),
        ("top-1 before".to_owned(), percent(json.float_top1)),
        ("top-1 packed".to_owned(), percent(json.top1)),
    ]);
    page.section("Result");
    let row = |(name, value): (&str, String)| vec![Cell::Text(name.to_owned()), Cell::Text(value)];
    let rows = json.lines().into_iter().map(row).collect();
    page.table(&Table { head: vec![String::new(), String::new()], rows });
    page.section("Where the bytes are");
    let bytes = json.bytes.max(1) as f64;
    let layers = json.layers.iter();
    let bars = layers.map(|layer| (layer.name.clone(), layer.bytes as f64 / bytes)).collect();
    let plot = BarPlot {
        title: "Codes and levels of each layer".to_owned(),
        x_label: "layer, in running order; share of the file".to_owned(),
        bars,
    };
    page.figure(&plot.to_svg()?);
    page.section("Which layer hurts").paragraph(
        "By how much the loss grows with the layer alone quantized and all others in floats; the layers \
         that hurt most come first. Layers that are kept were not measured.",
    );
    let (head, rows) = json.table(true);
    let rows = rows.into_iter().map(|row| {
        let mut cells = row.into_iter();
        let name = cells.next().map(Cell::Text);
        name.into_iter().chain(cells.map(Cell::Number)).collect()
    });
    page.table(&Table { head, rows: rows.collect() });
    Ok(page)
}
