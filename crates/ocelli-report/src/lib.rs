//! What a run looks like from outside: TensorBoard events, plots and a self-contained HTML page.
//!
//! - [`EventWriter`] writes scalars that TensorBoard reads, and continues a file after a crash.
//! - [`LinePlot`], [`MultiplesPlot`], [`BarPlot`], [`MatrixPlot`], [`SurfacePlot`] and [`ParetoPlot`] draw SVG.
//! - [`Mosaic`] draws many small pictures as one PNG, [`PixelPicture`] one picture with rings around
//!   pixels.
//! - [`Page`] is a page of HTML, and [`RunReport`] puts a whole run on one page that needs no network
//!   and no script.
//!
//! Nothing here knows how training works: every type holds plain figures and words, so that any
//! command can report what it did.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod error;
mod html;
mod mosaic;
mod pixel_picture;
mod plot;
mod png_file;
mod run_report;
mod tensorboard;

pub use error::ReportError;
pub use html::{Cell, Page, Table};
pub use mosaic::{FRAME_COLOURS, Mosaic, Tile};
pub use pixel_picture::PixelPicture;
pub use plot::{
    Axes, BarPlot, LinePlot, Mark, MatrixPlot, MultiplesPlot, Panel, ParetoPlot, ParetoPoint,
    Scale, Series, SurfacePlot, pareto_front,
};
pub use png_file::encode_png;
pub use run_report::{Confusion, ReportSection, RunReport};
pub use tensorboard::{EventWriter, Scalar, read_scalars};
