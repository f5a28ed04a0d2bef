use super::line::{compact, thin};
use super::*;

#[test]
fn curves_survive_gaps_single_points_and_nothing_at_all() {
    let points = [vec![], vec![(1.0, 2.0)], vec![(0.0, f64::NAN), (1.0, 2.0), (2.0, 1.0)]];
    for points in points {
        let series = vec![Series { name: "loss".into(), points }];
        let svg = LinePlot { title: "Loss".into(), series, ..LinePlot::default() }.to_svg();
        assert!(svg.unwrap().ends_with("</svg>\n"));
    }
}

#[test]
fn a_curve_of_one_point_is_seen() {
    let series = vec![Series { name: "evaluation".into(), points: vec![(40.0, 0.9)] }];
    let svg = LinePlot { title: "Accuracy".into(), series, ..LinePlot::default() }.to_svg();
    assert!(svg.unwrap().contains("<circle"));
}

#[test]
fn words_are_escaped() {
    let title = "a < b & \"c\"".to_owned();
    let svg = LinePlot { title, ..LinePlot::default() }.to_svg().unwrap();
    assert!(svg.contains("a &lt; b &amp;"), "{svg}");
}

#[test]
fn a_long_curve_is_thinned_and_keeps_its_mean() {
    let long: Vec<_> = (0..100_000).map(|i| (f64::from(i), f64::from(i % 7))).collect();
    let short = thin(&long);
    assert!(short.len() <= 600 && short.len() > 500, "{}", short.len());
    let mean = short.iter().map(|point| point.1).sum::<f64>() / short.len() as f64;
    assert!((mean - 3.0).abs() < 0.01, "{mean}");
}

#[test]
fn axis_numbers_are_short() {
    let shown = [0.0, 0.5, 12.0, 1500.0, 25_000.0, 3.2e6, 0.000_02].map(compact);
    assert_eq!(shown, ["0", "0.5", "12", "1500", "25k", "3.2M", "2e-5"]);
}

#[test]
fn a_matrix_shows_its_counts() {
    let labels = vec!["cat".to_owned(), "dog".to_owned()];
    let counts = vec![vec![41, 9], vec![0, 50]];
    let svg = MatrixPlot { title: "Confusion".into(), labels, counts, ..MatrixPlot::default() }
        .to_svg()
        .unwrap();
    for count in ["41", "9", "50", "cat", "dog"] {
        assert!(svg.contains(&format!("\n{count}\n")), "{count} in {svg}");
    }
}

#[test]
fn a_ragged_matrix_is_an_error() {
    let labels = vec!["cat".to_owned(), "dog".to_owned()];
    let matrix = MatrixPlot {
        title: "M".into(),
        labels,
        counts: vec![vec![1, 2], vec![3]],
        ..MatrixPlot::default()
    };
    let message = matrix.to_svg().unwrap_err().to_string();
    assert_eq!(message, "matrix 'M': row 1 has 1 columns, expected 2");
}

#[test]
fn bars_show_their_shares() {
    let bars = vec![("0".to_owned(), 0.31), ("1".to_owned(), 0.2), ("9".to_owned(), f64::NAN)];
    let svg = BarPlot { title: "Targets".into(), bars, ..BarPlot::default() }.to_svg().unwrap();
    for words in ["31 %", "20 %", "0 %", "Targets"] {
        assert!(svg.contains(&format!("\n{words}\n")), "{words} in {svg}");
    }
    assert!(BarPlot::default().to_svg().unwrap().ends_with("</svg>\n"));
}

#[test]
fn the_largest_count_can_be_the_darkest() {
    let labels = vec!["cat".to_owned(), "dog".to_owned()];
    let counts = vec![vec![0, 9], vec![1, 0]];
    let (scale, axes) = (Scale::Largest, Axes::Targets);
    let title = "Pairs".to_owned();
    let svg = MatrixPlot { title, labels, counts, scale, axes }.to_svg().unwrap();
    assert!(svg.contains("columns: target class"), "{svg}");
}

#[test]
fn what_stands_out_is_ringed_and_named_inside_the_figure() {
    let points = vec![(0.0, 0.5), (10.0, 0.9), (20.0, 0.7)];
    let rings = |marks: &[(f64, f64)]| {
        let marks = marks.iter().map(|point| Mark { name: "best <1>".into(), point: *point });
        let series = vec![Series { name: "evaluation".into(), points: points.clone() }];
        let svg = LinePlot { series, marks: marks.collect(), ..LinePlot::default() }.to_svg();
        let svg = svg.unwrap();
        (svg.matches("<circle").count(), svg.matches("best &lt;1&gt;").count(), svg)
    };
    let (circles, names, _) = rings(&[]);
    assert_eq!((circles, names), (3, 0));
    for at in [(0.0, 0.5), (10.0, 0.9), (20.0, 0.7)] {
        let (circles, names, svg) = rings(&[at]);
        assert_eq!((circles, names), (4, 1), "{svg}");
        let anchor = if at.0 > 10.0 { "text-anchor=\"end\"" } else { "text-anchor=\"start\"" };
        assert!(svg.lines().any(|line| line.contains(anchor)), "{at:?}: {svg}");
    }
    assert_eq!(rings(&[(f64::NAN, 0.5)]).1, 0);
}

#[test]
fn small_figures_share_their_axes_and_one_legend() {
    let curve = |to: f64| vec![(0.0, 0.3), (50.0, f64::NAN), (100.0, to)];
    let panel = |name: &str| Panel { name: name.to_owned(), curves: vec![curve(0.9), curve(0.1)] };
    let plot = MultiplesPlot {
        title: "Attention".into(),
        x_label: "step".into(),
        names: vec!["two".into(), "four".into()],
        panels: ["first", "second", "third", "fourth", "<fifth>"].map(panel).into(),
        y_range: [0.0, 1.0],
    };
    let svg = plot.to_svg().unwrap();
    assert!(svg.starts_with("<svg width=\"800\" height=\"300\""), "two rows: {}", &svg[..60]);
    assert_eq!(svg.matches("two").count(), 1, "one legend for all");
    assert!(svg.contains("&lt;fifth&gt;") && svg.contains("third"));
    assert!(MultiplesPlot::default().to_svg().unwrap().contains("</svg>"), "of nothing");
}

#[test]
fn a_surface_has_a_cell_for_each_value_and_lines_between() {
    let value = |at: i32| Some(1.0 + f64::from((at % 5 - 2).pow(2) + (at / 5 - 2).pow(2)));
    let mut plot = SurfacePlot {
        title: "Loss".into(),
        coordinates: vec![-1.0, -0.5, 0.0, 0.5, 1.0],
        values: (0..25).map(value).collect(),
        logarithmic: true,
        ..SurfacePlot::default()
    };
    let cells = |plot: &SurfacePlot| plot.to_svg().unwrap().matches("<rect").count();
    let whole = cells(&plot);
    assert!(plot.to_svg().unwrap().matches("<polyline").count() > 40, "contour lines");
    plot.values[3] = None;
    plot.values[4] = Some(f64::INFINITY);
    assert_eq!(cells(&plot), whole - 2, "what is not known is left white");
    plot.values.pop();
    let error = plot.to_svg().unwrap_err().to_string();
    assert!(error.contains("24 columns, expected 25"), "{error}");
    assert!(SurfacePlot::default().to_svg().unwrap().contains("</svg>"), "of nothing");
}
