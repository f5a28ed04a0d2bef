//! An attack as a page with pictures.

use ocelli::data::Image;
use ocelli::methods::one_pixel::{AttackPlan, ClassPairs, Example, Summary, Trace};
use ocelli::report::{
    Axes, BarPlot, Cell, LinePlot, MatrixPlot, Page, PixelPicture, ReportError, Scale, Series,
    Table,
};
use ocelli::results::{command, machine, today};

use super::tables::in_words;
use crate::output::{grouped, percent};

/// With more classes a map of pairs is a blur.
const MOST_CLASSES: usize = 100;

/// What is put on the page.
pub(super) struct Sheet<'a> {
    pub(super) plan: &'a AttackPlan,
    pub(super) summary: &'a Summary,
    pub(super) examples: &'a [Example],
    /// The rates as a table of words.
    pub(super) rates: Table,
    /// How few pixels are enough, if several numbers were tried.
    pub(super) fewest: Option<Table>,
    /// Random search beside evolution, if it was tried.
    pub(super) random: Option<Table>,
    /// Other attacks, if there were any.
    pub(super) rivals: Option<Table>,
    /// The settings as TOML.
    pub(super) settings: String,
}

impl Sheet<'_> {
    /// The page.
    ///
    /// # Errors
    /// When a figure cannot be drawn.
    pub(super) fn page(&self) -> Result<Page, ReportError> {
        let victim = self.plan.victim();
        let subject = format!("{}, seed {}", victim.model, self.plan.config().seed);
        let mut page = Page::new("One-pixel attack", &subject);
        page.headlines(&self.headlines());
        page.section("Rates").table(&self.rates);
        page.paragraph(
            "A targeted attempt succeeds when the image is taken for the target. Untargeted, derived: \
             images on which any targeted attempt succeeded; direct: one attempt that lowers the \
             probability of the true class, and succeeds when the image is taken for another one. \
             Over successful attempts, confidence is the mean probability of the class that was \
             reached, and distortion the mean absolute change of a channel of the changed pixels, of \
             255. Evaluations are the mean of a case, which in the derived rows is all targeted \
             attempts on an image; generations the mean of an attempt.",
        );
        if self.plan.config().fewest {
            page.paragraph(
                "A number of pixels was tried only where smaller ones had failed: rates are of so many \
                 pixels or fewer, with the evaluations of all of them; tries and fitness are of so many exactly.",
            );
        }
        if let Some(fewest) = &self.fewest {
            page.section("How few pixels are enough").table(fewest);
        }
        if let Some(random) = &self.random {
            page.section("Against random search").table(random);
            page.paragraph(
                "Equal evaluations: as many random tries as the attempt had evaluations, case by case; \
                 one success among them counts. p is that of the exact two-sided test of McNemar. \
                 Other rows are the paper's own random search.",
            );
        }
        if let Some(rivals) = &self.rivals {
            page.section("Beside other attacks").table(rivals);
            page.paragraph(
                "On the same images, towards any other class: the fast gradient sign method, which sees \
                 the weights and changes every pixel a little, and greedy local search, which asks for \
                 probabilities as the evolution does. Of the evolution, pixels are how many may change, of \
                 the others how many have changed, the mean over successes; so are confidence and distortion. \
                 Evaluations and gradients are means over all images.",
            );
        }
        self.add_examples(&mut page)?;
        for pairs in &self.summary.class_pairs {
            self.add_pairs(&mut page, pairs)?;
        }
        page.section("Fitness");
        for trace in &self.summary.traces {
            page.figure(&plot(trace).to_svg()?);
        }
        page.section("Settings").code(&self.settings);
        page.paragraph(&format!("{}. {}. {}", command(), machine(), today()));
        Ok(page)
    }

    fn headlines(&self) -> Vec<(String, String)> {
        let summary = self.summary;
        let evaluations = summary.evaluations + summary.baseline_evaluations;
        let mut headlines = vec![
            ("images", grouped(summary.images)),
            ("clean accuracy", percent(summary.clean_accuracy)),
            ("evaluations", grouped(evaluations)),
            ("evaluations per second", grouped(summary.evaluations_per_second as u64)),
        ];
        if let Some(group) = summary.groups.first() {
            headlines.insert(0, ("success rate", percent(group.success_rate)));
        }
        headlines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn class(&self, class: u32) -> &str {
        let classes = self.plan.pictures().source().classes();
        classes.get(class as usize).map_or("", String::as_str)
    }

    fn add_examples(&self, page: &mut Page) -> Result<(), ReportError> {
        page.section("Examples");
        if self.examples.is_empty() {
            page.paragraph("No attempt succeeded.");
            return Ok(());
        }
        page.paragraph("Changed pixels are in rings.");
        let head = ["image", "clean", "attacked", "before", "after"].map(str::to_owned).into();
        let rows = self.examples.iter().map(|example| {
            let aim = match example.aim.target() {
                Some(target) => format!("target {}", self.class(target)),
                None => "untargeted".to_owned(),
            };
            let pixels = in_words(example.pixels);
            let label = self.class(example.label);
            Ok(vec![
                Cell::Text(format!("{}: {label}; {aim}, {pixels}", example.name)),
                Cell::Picture(draw(&example.image, &[])?, format!("{label}, clean")),
                Cell::Picture(
                    draw(&example.changed, &example.positions)?,
                    format!("{label}, attacked"),
                ),
                Cell::Text(self.class_names(&example.before)),
                Cell::Text(self.class_names(&example.after)),
            ])
        });
        let rows = rows.collect::<Result<_, ReportError>>()?;
        page.table(&Table { head, rows });
        Ok(())
    }

    fn class_names(&self, classes: &[(u32, f64)]) -> String {
        let name = |(class, probability): &(u32, f64)| {
            format!("{} {}", self.class(*class), percent(*probability))
        };
        classes.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    fn add_pairs(&self, page: &mut Page, pairs: &ClassPairs) -> Result<(), ReportError> {
        let ClassPairs { pixels, counts, target_counts, mean_targets } = pairs;
        let images = target_counts.iter().sum::<u64>().max(1) as f64;
        let last = target_counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        let bars = (0..).zip(&target_counts[..=last]);
        let bars = bars.map(|(count, share): (u64, _)| (count.to_string(), *share as f64 / images));
        page.section(&format!("Target classes, {}", in_words(*pixels))).paragraph(&format!(
            "An image can be turned into {mean_targets:.2} other classes on average."
        ));
        let bars = BarPlot {
            title: "Images by the number of classes that they can be turned into".to_owned(),
            x_label: "target classes".to_owned(),
            bars: bars.collect(),
        };
        page.figure(&bars.to_svg()?);
        if counts.len() <= MOST_CLASSES {
            let labels = self.plan.pictures().source().classes().to_vec();
            let title = "Successful targeted attempts".to_owned();
            let (scale, axes) = (Scale::Largest, Axes::Targets);
            let matrix = MatrixPlot { title, labels, counts: counts.clone(), scale, axes };
            page.figure(&matrix.to_svg()?);
        }
        Ok(())
    }
}

fn plot(trace: &Trace) -> LinePlot {
    let series = [("best", &trace.best), ("population", &trace.mean)];
    let of = if trace.targeted { "the target" } else { "the true class" };
    LinePlot {
        title: format!("Probability of {of}, {}", in_words(trace.pixels)),
        x_label: "generation".to_owned(),
        y_label: "mean over attempts".to_owned(),
        series: series
            .map(|(name, values)| Series {
                name: name.to_owned(),
                points: (0..).map(f64::from).zip(values.iter().copied()).collect(),
            })
            .into(),
        marks: Vec::new(),
    }
}

fn draw(image: &Image, rings: &[[u32; 2]]) -> Result<Vec<u8>, ReportError> {
    let picture = PixelPicture {
        height: image.height as usize,
        width: image.width as usize,
        channels: image.channels.into(),
        pixels: image.pixels.clone(),
        rings: rings.iter().map(|ring| ring.map(|coordinate| coordinate as usize)).collect(),
    };
    picture.to_png()
}
