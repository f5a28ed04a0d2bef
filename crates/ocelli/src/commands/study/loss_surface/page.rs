//! A loss surface as a page.

use ocelli::report::{Cell, Page, ReportError, SurfacePlot, Table};

use super::sheet::SurfaceSheet;

/// The page, with a figure of the loss and one of the accuracy of each network.
///
/// # Errors
/// When a figure cannot be drawn.
pub(super) fn new(sheet: &SurfaceSheet<'_>) -> Result<Page, ReportError> {
    let mut page = Page::new("Loss surface", &sheet.subject());
    let (head, rows) = sheet.table();
    let rows = rows.into_iter().map(|row| {
        let mut cells = row.into_iter();
        let name = cells.next().map(Cell::Text);
        name.into_iter().chain(cells.map(Cell::Number)).collect()
    });
    page.table(&Table { head, rows: rows.collect() });
    page.paragraph(
        "Loss and accuracy in the middle, which is the trained network; the least and the greatest loss on the \
         plane; roughness is the mean absolute second difference of the loss of neighbours along both axes, and of \
         its logarithm, concavity the mean of what is negative among those of the loss. Where the loss grows by powers \
         of ten the outermost points rule the first; a smaller --span stays where the network still works.",
    );
    for (at, network) in sheet.identity.networks.iter().enumerate() {
        page.section(network);
        let score = |point: usize| sheet.points[point].scores[at];
        let plot = |title: &str, unit: &str, logarithmic, value: &dyn Fn(usize) -> Option<f64>| {
            SurfacePlot {
                title: format!("{title}, {network}"),
                label: "along each direction, in lengths of a filter".to_owned(),
                value_label: unit.to_owned(),
                coordinates: sheet.grid.coordinates(),
                values: (0..sheet.points.len()).map(value).collect(),
                logarithmic,
            }
        };
        let loss = plot("Loss", "cross-entropy", true, &|point| Some(score(point).loss?.0));
        let top1 = plot("Accuracy", "top-1", false, &|point| Some(score(point).top1?.0));
        page.figure(&loss.to_svg()?).figure(&top1.to_svg()?);
    }
    page.section("How it was measured").paragraph(
        "Two directions are drawn at random; in each the part of a filter is as long as the filter's weights \
         (Li et al., Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018). Biases and normalisations are \
         not moved, and statistics of batch normalisations are those that were saved. Shades and lines of the \
         loss are even in its logarithm.",
    );
    Ok(page)
}
