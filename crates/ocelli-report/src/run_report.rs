//! The page of one run: what it reached, how it got there, what it confuses, how to repeat it.

use std::path::Path;

use crate::ReportError;
use crate::html::{Cell, Page, Table};
use crate::plot::{LinePlot, MatrixPlot};

/// A matrix with more classes is told as its most frequent confusions alone.
const MAX_MATRIX_CLASSES: usize = 100;
const TOP_CONFUSIONS: usize = 12;

/// Everything that the page of a run shows. Parts that are empty are left out.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    /// The run's name.
    pub title: String,
    /// One line below it, such as model, data and date.
    pub subtitle: String,
    /// The few values that matter most, each with its name.
    pub headlines: Vec<(String, String)>,
    /// The curves of the run.
    pub plots: Vec<LinePlot>,
    /// What only a run of its kind has, after the curves.
    pub sections: Vec<ReportSection>,
    /// What the evaluation found.
    pub confusion: Option<Confusion>,
    /// The resolved recipe as TOML.
    pub recipe: String,
}

/// Words, figures and a table under a heading.
#[derive(Clone, Debug, Default)]
pub struct ReportSection {
    /// The heading.
    pub heading: String,
    /// Words below it.
    pub words: String,
    /// Figures that one of this crate's plots drew.
    pub figures: Vec<String>,
    /// A table, if it has columns.
    pub table: Table,
}

/// How often each class was taken for each other one.
#[derive(Clone, Debug, Default)]
pub struct Confusion {
    /// The classes' names.
    pub classes: Vec<String>,
    /// `counts[truth][prediction]`.
    pub counts: Vec<Vec<u64>>,
}

impl RunReport {
    /// Writes the page to `path`, whole or not at all.
    ///
    /// # Errors
    /// When a figure cannot be drawn or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        self.page()?.write(path)
    }

    /// The page as HTML.
    ///
    /// # Errors
    /// When a figure cannot be drawn.
    pub fn to_html(&self) -> Result<String, ReportError> {
        Ok(self.page()?.to_html())
    }

    fn page(&self) -> Result<Page, ReportError> {
        let mut page = Page::new(&self.title, &self.subtitle);
        if !self.headlines.is_empty() {
            page.headlines(&self.headlines);
        }
        if !self.plots.is_empty() {
            page.section("Curves");
        }
        for plot in &self.plots {
            page.figure(&plot.to_svg()?);
        }
        for ReportSection { heading, words, figures, table } in &self.sections {
            page.section(heading);
            if !words.is_empty() {
                page.paragraph(words);
            }
            for figure in figures {
                page.figure(figure);
            }
            if !table.head.is_empty() {
                page.table(table);
            }
        }
        if let Some(confusion) = &self.confusion {
            confusion.add_to(&mut page)?;
        }
        if !self.recipe.is_empty() {
            page.section("Recipe").code(&self.recipe);
        }
        Ok(page)
    }
}

impl Confusion {
    fn add_to(&self, page: &mut Page) -> Result<(), ReportError> {
        page.section("Classes").table(&self.class_table());
        let pairs = self.most_confused();
        if !pairs.is_empty() {
            page.section("Most frequent confusions").table(&self.pair_table(&pairs));
        }
        if (2..=MAX_MATRIX_CLASSES).contains(&self.classes.len()) {
            let matrix = MatrixPlot {
                title: "Confusion matrix".to_owned(),
                labels: self.classes.clone(),
                counts: self.counts.clone(),
                ..MatrixPlot::default()
            };
            page.section("Confusion matrix").figure(&matrix.to_svg()?);
        }
        Ok(())
    }

    /// Recall and precision of every class.
    fn class_table(&self) -> Table {
        let head = ["class", "images", "correct", "recall", "precision"];
        let rows =
            self.classes.iter().zip(&self.counts).enumerate().map(|(index, (class, row))| {
                let correct = row.get(index).copied().unwrap_or(0);
                let images = row.iter().sum::<u64>();
                let predicted = self.counts.iter().filter_map(|row| row.get(index)).sum::<u64>();
                vec![
                    Cell::Text(class.clone()),
                    Cell::Number(images.to_string()),
                    Cell::Number(correct.to_string()),
                    Cell::Number(percent(correct, images)),
                    Cell::Number(percent(correct, predicted)),
                ]
            });
        Table { rows: rows.collect(), head: head.map(str::to_owned).into() }
    }

    fn pair_table(&self, pairs: &[(usize, usize, u64)]) -> Table {
        let name = |class: usize| Cell::Text(self.classes.get(class).cloned().unwrap_or_default());
        let head = ["true class", "predicted class", "images", "share of the true class"];
        let rows = pairs.iter().map(|&(truth, predicted, count)| {
            let images = self.counts[truth].iter().sum();
            let count_cell = Cell::Number(count.to_string());
            vec![name(truth), name(predicted), count_cell, Cell::Number(percent(count, images))]
        });
        Table { rows: rows.collect(), head: head.map(str::to_owned).into() }
    }

    /// `(truth, prediction, images)` off the diagonal, the most frequent first.
    fn most_confused(&self) -> Vec<(usize, usize, u64)> {
        let mut pairs: Vec<_> = self
            .counts
            .iter()
            .enumerate()
            .flat_map(|(truth, row)| row.iter().enumerate().map(move |(p, n)| (truth, p, *n)))
            .filter(|(truth, predicted, count)| truth != predicted && *count > 0)
            .collect();
        pairs.sort_by_key(|&(truth, predicted, count)| (u64::MAX - count, truth, predicted));
        pairs.truncate(TOP_CONFUSIONS);
        pairs
    }
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Series;
    use std::fs;

    fn report() -> RunReport {
        let loss = Series { name: "train".into(), points: vec![(0.0, 2.3), (10.0, 1.1)] };
        RunReport {
            title: "first-light".into(),
            subtitle: "ghostnet on fashion".into(),
            headlines: vec![("top-1".into(), "88.1 %".into())],
            plots: vec![LinePlot {
                title: "Loss".into(),
                series: vec![loss],
                ..Default::default()
            }],
            sections: vec![ReportSection {
                heading: "Bits".into(),
                words: "of each layer".into(),
                figures: Vec::new(),
                table: Table { head: vec!["layer".into()], rows: Vec::new() },
            }],
            confusion: Some(Confusion {
                classes: vec!["coat".into(), "shirt".into(), "bag".into()],
                counts: vec![vec![7, 3, 0], vec![5, 5, 0], vec![0, 0, 0]],
            }),
            recipe: "seed = 1\n".into(),
        }
    }

    #[test]
    fn the_page_needs_nothing_from_outside() {
        let html = report().to_html().unwrap();
        let outside = html.replace("http://www.w3.org/2000/svg", "");
        for forbidden in ["http", "<script", "<link", "src="] {
            assert!(!outside.contains(forbidden), "{forbidden}");
        }
        assert_eq!(html.matches("<figure>").count(), 2, "one curve, one matrix");
        let at = |words: &str| html.find(words).unwrap();
        assert!(at("<h2>Curves") < at("<h2>Bits") && at("<p>of each layer") < at("<h2>Classes"));
    }

    #[test]
    fn classes_have_recall_and_precision() {
        let html = report().to_html().unwrap();
        let row = |class: &str, cells: [&str; 4]| {
            let cells = cells.map(|cell| format!("<td class=\"number\">{cell}</td>"));
            format!("<tr><td>{class}</td>{}</tr>", cells.concat())
        };
        assert!(html.contains(&row("coat", ["10", "7", "70.0 %", "58.3 %"])));
        assert!(html.contains(&row("bag", ["0", "0", "–", "–"])), "a class without images");
    }

    #[test]
    fn confusions_come_with_the_most_frequent_first() {
        let confusion = report().confusion.unwrap();
        assert_eq!(confusion.most_confused(), [(1, 0, 5), (0, 1, 3)]);
    }

    #[test]
    fn the_file_appears_whole() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("report.html");
        report().write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), report().to_html().unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn an_empty_report_is_still_a_page() {
        assert!(RunReport::default().to_html().unwrap().contains("</html>"));
    }
}
