//! Figures that were measured, as CSV: each row says what a reader needs to measure it again.
//!
//! A file of results has the columns [`COLUMNS`] beside its own. [`add`] appends a row to one, [`check`]
//! goes through a folder of them, and through the pages that quote them.
//!
//! # Quoted figures
//! A page names the row of a figure in a comment that does not show:
//!
//! ```text
//! LeNet is fooled in 52.4 % of 500 images.
//! <!-- result: one_pixel.csv model=lenet* images=500 seed=0 pixels=1 success_rate~52.4% -->
//! ```
//!
//! `COLUMN=VALUE` chooses rows (`*` stands for anything, `|` for or, quotes hold spaces); `COLUMN~FIGURE` is
//! what is quoted. One row has to be left, and its value has to round to the figure, which has to stand in the text
//! of the same block, or of the same line if that is a row of a table; a block of comments alone speaks of
//! the block before it. `%` is a hundredth, `COLUMN*90` multiplies, and `mean(COLUMN)`, `median`, `min`,
//! `max` and `sum` are of several rows; so are `rate(COLUMN)`, weighted by the column `images`, and `low` and
//! `high`, the ends of its Wilson interval with a confidence of 95 %. `;` goes on with another figure; what is chosen before the first
//! one of them holds for all.

mod add;
mod check;
mod circumstances;
mod error;
mod figure;
mod files;
mod marker;
mod page;
mod rules;
mod table;

pub use add::add;
pub use check::{Problem, Report, check};
pub use circumstances::{Circumstances, command, machine, today, without_folders};
pub use error::Error;
pub use table::{check_build, write_csv};

/// What every row has, in any order: the day in UTC, the machine, the command as typed, the commit of the
/// build, and the seed.
///
/// The commit is a hash, with `-dirty` after it where sources differed, or `unknown` where there was no
/// git. `added:HASH` is the commit that added the row, for rows from before builds knew their own: theirs is
/// that one or one before it. The seed is a number, `-` where nothing is drawn at random, or `random` where
/// a tool drew anew and did not say what.
pub const COLUMNS: [&str; 5] = ["date", "machine", "command", "commit", "seed"];

/// The commit of this build: a hash, with `-dirty` after it where sources differed, or `unknown`.
pub const COMMIT: &str = env!("OCELLI_COMMIT");
